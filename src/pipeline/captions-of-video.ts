/** Which captions a video has: those that were added, those beside it in the library, those inside its source. */
import type { Caption } from '../catalog/caption.ts';
import type { Video } from '../catalog/video.ts';
import { captionLabel, type CaptionTrack } from '../media/captions.ts';
import { UNDETERMINED } from '../media/language.ts';
import type { SourceCaption } from '../media/source.ts';

/** A caption track and where it is from. */
export type ListedCaption = CaptionTrack & { readonly origin: 'uploaded' | 'source' };

/**
 * What viewers are offered. What was uploaded in a language takes the place of what the source has in it, but for what
 * is forced: that is shown to other people.
 */
export function captionsOf(video: Video): readonly ListedCaption[] {
  const added = (video.captions ?? []).map(listedCaption);
  const uploaded = added.filter(({ origin }) => origin === 'uploaded');
  const replaced = new Set(uploaded.map(({ language }) => language));
  const fromSource = [...added.filter(({ origin }) => origin === 'source'), ...insideSource(video)];
  const kept = fromSource.filter(({ language, isForced }) => isForced || !replaced.has(language));
  // The same text beside a film twice is one.
  return [...new Map([...uploaded, ...kept].map((caption) => [caption.id, caption])).values()];
}

/** An added caption as viewers see it. */
export function listedCaption(caption: Caption): ListedCaption {
  const { id, language, kind, isDefault, isForced } = caption;
  return {
    id,
    language,
    label: caption.label ?? captionLabel(caption),
    kind,
    isDefault,
    isForced,
    origin: caption.origin === 'uploaded' ? 'uploaded' : 'source',
  };
}

/** Whether a stored text belongs to a video, whose content need not be known. */
export function isCaptionOf({ captions = [], revision }: Video, id: string): boolean {
  return captions.some((caption) => caption.id === id) || id.endsWith(`-${revision}`);
}

/** The text inside the source that `id` names; undefined where it names none. */
export function sourceCaptionOf(video: Video, id: string): SourceCaption | undefined {
  return sourceCaptions(video).find((caption) => idInSource(video, caption) === id);
}

/** Names a text inside the source: it changes with the source. */
export function idInSource({ revision }: Video, { streamIndex }: SourceCaption): string {
  return `s${streamIndex}-${revision}`;
}

function sourceCaptions({ content }: Video): readonly SourceCaption[] {
  return content?.kind === 'media' ? (content.source.captions ?? []) : [];
}

function insideSource(video: Video): readonly ListedCaption[] {
  return sourceCaptions(video).map((caption) => {
    const { language = UNDETERMINED, title, isForced, isHearingImpaired } = caption;
    const kind = isHearingImpaired ? 'captions' : 'subtitles';
    const label = title ?? captionLabel({ language, kind, isForced });
    const id = idInSource(video, caption);
    return { id, language, label, kind, isDefault: false, isForced, origin: 'source' };
  });
}
