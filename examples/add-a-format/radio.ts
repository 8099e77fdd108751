/**
 * The sound alone, for players that know neither HLS nor DASH: an extended M3U of AAC files, as internet radios have
 * it. It shows what a format has to do, in one file. docs/adding-a-format.md leads through it.
 */
import { writeAdts } from '../../src/containers/aac/adts.ts';
import { parseAudioSpecificConfig } from '../../src/containers/aac/audio-specific-config.ts';
import { parseInitSegment } from '../../src/containers/isobmff/parse-init-segment.ts';
import { parseMediaSegment } from '../../src/containers/isobmff/parse-media-segment.ts';
import { AppError } from '../../src/errors.ts';
import type { Format, FormatInput, Manifest, Resolved, Rewrapped } from '../../src/formats/format.ts';
import { type AudioTrack, type Presentation, defaultAudio } from '../../src/media/presentation.ts';

const FOLDER = 'radio';
const ENTRY = `${FOLDER}/main.m3u`;

export const radio: Format = {
  name: FOLDER,
  entry: ENTRY,

  accepts: (presentation) => soundOf(presentation) !== undefined,

  resolve({ presentation, revision }: FormatInput, path: string): Resolved | undefined {
    const track = soundOf(presentation);
    if (track === undefined) return undefined;
    if (path === ENTRY) return playlist(track, revision);
    const segment = track.segments.find(({ index }) => path === piecePath(revision, track, index));
    return segment && piece(track, segment.index);
  },

  paths({ presentation, revision }: FormatInput): readonly string[] {
    const track = soundOf(presentation);
    if (track === undefined) return [];
    return [ENTRY, ...track.segments.map(({ index }) => piecePath(revision, track, index))];
  },
};

/** The sound that plays when nobody chooses, where it is plain AAC. */
function soundOf({ tracks }: Presentation): AudioTrack | undefined {
  const track = defaultAudio(tracks);
  return track?.codecs === 'mp4a.40.2' ? track : undefined;
}

/** With the revision in it: a changed source has other addresses, and caches may keep what they have. */
function piecePath(revision: string, { id }: AudioTrack, index: number): string {
  return `${FOLDER}/${revision}/${id}-${index}.aac`;
}

/** All of it is known before anything is encoded. Links are relative to the playlist. */
function playlist(track: AudioTrack, revision: string): Manifest {
  const lines = track.segments.flatMap(({ index, durationTicks }) => [
    `#EXTINF:${Math.round(durationTicks / track.timescale)},${index + 1} of ${track.segments.length}`,
    piecePath(revision, track, index).slice(FOLDER.length + 1),
  ]);
  return { kind: 'manifest', mediaType: 'audio/x-mpegurl', text: `#EXTM3U\n${lines.join('\n')}\n` };
}

/** Made of stored media when somebody asks for it: the pipeline fetches `inputs`, encoding them if need be. */
function piece({ id: trackId }: AudioTrack, index: number): Rewrapped {
  return {
    kind: 'rewrapped',
    mediaType: 'audio/aac',
    inputs: [
      { trackId, index: 'init' },
      { trackId, index },
    ],
    make: ([init, segment]) => toAdts(init!, segment!),
  };
}

/** The same frames, each behind a header of its own instead of a table in front of all. */
function toAdts(init: Uint8Array, segment: Uint8Array): Uint8Array {
  const [track] = parseInitSegment(init);
  const [samples] = parseMediaSegment(segment);
  if (track?.configuration === undefined || samples === undefined)
    throw new AppError('source_damaged', 'there is no sound in this segment');
  const frames = samples.samples.map(({ offset, bytes }) => segment.subarray(offset, offset + bytes));
  return writeAdts(parseAudioSpecificConfig(track.configuration), frames);
}
