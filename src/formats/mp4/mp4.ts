/**
 * Progressive MP4 (ISO/IEC 14496-12): each quality as one ordinary file with picture and all sound, to download and for
 * players that know nothing of streaming. Its media data is that of the stored segments, byte for byte.
 */
import { type Presentation, type Track, defaultAudio, isAudio, isVideo } from '../../media/presentation.ts';
import type { Composed, Format, FormatInput, QualityFile, StoredMedia } from '../format.ts';
import { beginMovie } from './compose.ts';

const FOLDER = 'mp4';

/** The name of the only file there is where there is no picture. */
const SOUND_ALONE = 'audio';

export const mp4: Format = {
  name: 'mp4',

  qualities: (presentation) => filesOf(presentation).map(({ file }) => file),

  resolve({ presentation }: FormatInput, path: string): Composed | undefined {
    const found = filesOf(presentation).find(({ file }) => file.path === path);
    if (found === undefined) return undefined;
    const { tracks } = found;
    return {
      kind: 'composed',
      mediaType: tracks.some(isVideo) ? 'video/mp4' : 'audio/mp4',
      inputs: tracks.flatMap(mediaOf),
      begin: () => beginMovie(tracks),
    };
  },

  paths: ({ presentation }: FormatInput) => filesOf(presentation).map(({ file }) => file.path),
};

type MovieFile = { readonly file: QualityFile; readonly tracks: readonly Track[] };

function filesOf({ tracks }: Presentation): readonly MovieFile[] {
  // First what plays when nobody chooses: it is the one that is enabled.
  const first = defaultAudio(tracks);
  const sounds = tracks.filter(isAudio).toSorted((a, b) => Number(b === first) - Number(a === first));
  const pictures = tracks.filter(isVideo);
  if (pictures.length === 0) return [movieFile(SOUND_ALONE, sounds)];
  return pictures.map((picture) => movieFile(nameOf(picture, pictures), [picture, ...sounds]));
}

function movieFile(quality: string, tracks: readonly Track[]): MovieFile {
  const trackIds = tracks.map(({ id }) => id);
  return { file: { quality, path: `${FOLDER}/${quality}.mp4`, trackIds }, tracks };
}

/** Its label, unless that is no name for a file or not its alone. */
function nameOf({ id, label }: Track, all: readonly Track[]): string {
  const isPlain = /^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$/.test(label);
  const isAlone = all.every((other) => other.id === id || (other.label !== label && other.id !== label));
  return isPlain && isAlone ? label : id;
}

function mediaOf({ id, segments }: Track): readonly StoredMedia[] {
  return [
    { trackId: id, index: 'init' },
    ...segments.map(({ index }): StoredMedia => ({ trackId: id, index })),
  ];
}
