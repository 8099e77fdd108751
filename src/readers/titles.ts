/** Titles for people, from names for machines. */
import type { ObjectKey } from '../storage/object-key.ts';

/** Names that packagers give to every manifest: the folder says more. */
const GENERIC =
  /^(main|master|index|playlist|manifest|stream|output|out|video|prog_index|dash|hls|multivariant|default|vod)$/i;

/** `My_holiday.2024.mp4` gives `My holiday 2024`. */
export function titleOfFile(key: string): string {
  const parts = key.split('/');
  return readable(withoutExtension(parts.at(-1) ?? key));
}

/** Of the manifest, or of its folder where the manifest's own name says nothing. */
export function titleOfPackage(key: ObjectKey): string {
  const folder = key.split('/').at(-2);
  const own = withoutExtension(key.slice(key.lastIndexOf('/') + 1));
  return GENERIC.test(own) && folder !== undefined ? readable(folder) : readable(own);
}

function withoutExtension(name: string): string {
  const dot = name.lastIndexOf('.');
  return dot > 0 ? name.slice(0, dot) : name;
}

/** Underscores, and dots where no spaces part the words, are spaces. */
function readable(name: string): string {
  const words = /\s/.test(name) ? name : name.replace(/\.(?=\S)/g, ' ');
  return words.replace(/[\s_]+/g, ' ').trim() || name;
}
