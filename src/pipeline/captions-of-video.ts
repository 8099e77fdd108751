/** Which captions a video has: those that were added, those beside it in the library, those inside its source. */
import type { Caption } from '../catalog/caption.ts';
import type { Video } from '../catalog/video.ts';
import { captionLabel, type CaptionTrack } from '../media/captions.ts';
import { UNDETERMINED } from '../media/language.ts';
import type { PackagedCaption } from '../media/package.ts';
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

/** Whether `id` names a text inside the source. */
export function isInsideSource(video: Video, id: string): boolean {
  return insideSource(video).some((caption) => caption.id === id);
}

/** Names a text inside the source, by its stream or by its place in a package: it changes with the source. */
export function idInSource({ revision }: Video, index: number): string {
  return `s${index}-${revision}`;
}

function insideSource(video: Video): readonly ListedCaption[] {
  return textsOf(video).map(({ index, language = UNDETERMINED, title, ...rest }) => {
    const label = title ?? captionLabel({ language, ...rest });
    return { id: idInSource(video, index), language, label, ...rest, origin: 'source' };
  });
}

type InsideText = Pick<PackagedCaption, 'language' | 'title' | 'kind' | 'isDefault' | 'isForced'> & {
  readonly index: number;
};

function textsOf({ content }: Video): readonly InsideText[] {
  if (content?.kind === 'media') return (content.source.captions ?? []).map(ofStream);
  // Where nothing is rewrapped, nothing says what the times of a text are times of.
  if (content?.package.rewrapped === undefined) return [];
  return (content.package.captions ?? []).map((caption, index) => ({
    index,
    ...named(caption),
    kind: caption.kind,
    isDefault: caption.isDefault,
    isForced: caption.isForced,
  }));
}

function ofStream(caption: SourceCaption): InsideText {
  const kind = caption.isHearingImpaired ? 'captions' : 'subtitles';
  return {
    index: caption.streamIndex,
    ...named(caption),
    kind,
    isDefault: false,
    isForced: caption.isForced,
  };
}

function named({ language, title }: SourceCaption | PackagedCaption) {
  return { ...(language === undefined ? {} : { language }), ...(title === undefined ? {} : { title }) };
}
