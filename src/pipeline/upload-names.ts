/** Names that come with uploads: whatever a client says becomes something that can be shown. */
import { titleOfFile } from '../readers/titles.ts';

const MAX_NAME_LENGTH = 255;
const MAX_TITLE_LENGTH = 500;

/** The last part of a path of any system, without control characters; `video` where nothing is left. */
export function uploadName(name: string): string {
  const last = shown(name.split(/[/\\]/).at(-1) ?? '');
  return last.slice(-MAX_NAME_LENGTH).toWellFormed() || 'video';
}

/** The title that was asked for, else one from the file's name. */
export function uploadTitle(title: string | undefined, filename: string): string {
  const asked = shown(title ?? '')
    .slice(0, MAX_TITLE_LENGTH)
    .toWellFormed();
  return asked || titleOfFile(filename);
}

function shown(text: string): string {
  return text.replaceAll(/\p{Cc}+/gu, ' ').trim();
}
