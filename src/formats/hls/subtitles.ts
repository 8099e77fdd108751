/** Captions: `#EXT-X-MEDIA` of type SUBTITLES (RFC 8216bis 4.4.6.1), and the Media Playlist of each (3.1.4). */
import type { CaptionTrack } from '../../media/captions.ts';
import { UNDETERMINED } from '../../media/language.ts';
import { uniqueNames } from '../names.ts';
import { quoted, tag } from './tag.ts';

/** The one group, which goes with every Variant Stream. */
export const SUBTITLES_GROUP = 'subtitles';

/** 4.4.6.1: what people who cannot hear look for; their values are Apple's (HLS Authoring Specification, 4.7). */
const FOR_THE_DEAF =
  'public.accessibility.transcribes-spoken-dialog,public.accessibility.describes-music-and-sound';

/** One tag for each caption track, in their order. */
export function subtitleRenditions(
  captions: readonly CaptionTrack[],
  playlistUri: (caption: CaptionTrack) => string,
): readonly string[] {
  const names = uniqueNames(captions.map(({ label }) => label));
  const standard = captions.find(({ isDefault }) => isDefault);
  const chosenByItself = firstOfEachKind(captions, standard);
  return captions.map((caption, index) =>
    tag('EXT-X-MEDIA', {
      TYPE: 'SUBTITLES',
      'GROUP-ID': quoted(SUBTITLES_GROUP),
      NAME: quoted(names[index]),
      LANGUAGE: caption.language === UNDETERMINED ? undefined : quoted(caption.language),
      DEFAULT: caption === standard ? 'YES' : 'NO',
      AUTOSELECT: chosenByItself.has(caption) ? 'YES' : 'NO',
      FORCED: caption.isForced ? 'YES' : undefined,
      CHARACTERISTICS: caption.kind === 'captions' ? quoted(FOR_THE_DEAF) : undefined,
      URI: quoted(playlistUri(caption)),
    }),
  );
}

/**
 * One segment as long as the presentation: a text of hours is some hundred kilobytes, and Media Playlists of subtitles
 * may have a target duration of their own (6.2.4).
 */
export function subtitlePlaylist(durationSeconds: number, textUri: string): string {
  const lines = [
    '#EXTM3U',
    // Without EXT-X-MAP, the decimal EXTINF is what needs a version (8).
    '#EXT-X-VERSION:3',
    `#EXT-X-TARGETDURATION:${Math.max(1, Math.ceil(durationSeconds))}`,
    '#EXT-X-MEDIA-SEQUENCE:0',
    '#EXT-X-PLAYLIST-TYPE:VOD',
    `#EXTINF:${durationSeconds.toFixed(6)},`,
    textUri,
    '#EXT-X-ENDLIST',
  ];
  return `${lines.join('\n')}\n`;
}

/** 4.4.6.1.1: what a player may choose by itself must differ in language, FORCED or CHARACTERISTICS. */
function firstOfEachKind(
  captions: readonly CaptionTrack[],
  standard: CaptionTrack | undefined,
): ReadonlySet<CaptionTrack> {
  const found = new Map<string, CaptionTrack>();
  for (const caption of standard === undefined ? captions : [standard, ...captions]) {
    const { language, isForced, kind } = caption;
    const key = JSON.stringify([language, isForced, kind]);
    if (!found.has(key)) found.set(key, caption);
  }
  return new Set(found.values());
}
