/** Samples of fragmented MP4 segments, of any codec whose decoder the init segment sets up. */
import { type ParsedInitTrack, parseInitSegment } from '../../containers/isobmff/parse-init-segment.ts';
import { parseMediaSegment } from '../../containers/isobmff/parse-media-segment.ts';
import { AppError } from '../../errors.ts';
import type { StreamDescription, StreamSamples } from './stream-samples.ts';

/** ISO/IEC 14496-12 8.12: what the samples of such an entry are is only known to who has the key. */
const ENCRYPTED = new Set(['encv', 'enca', 'enct', 'encs']);

/** Every picture and sound in a whole segment behind its init segment. Throws `source_damaged`. */
export function fragmentSamples(init: Uint8Array, segment: Uint8Array): readonly StreamSamples[] {
  const tracks = parseInitSegment(init);
  const parsed = parseMediaSegment(
    segment,
    new Map(tracks.map(({ trackId, defaults }) => [trackId, defaults])),
  );
  return tracks.flatMap((track) => {
    const { kind, trackId } = track;
    const samples = parsed.find((one) => one.trackId === trackId)?.samples ?? [];
    if (kind === 'other' || samples.length === 0) return [];
    return {
      streamId: trackId,
      description: describe(track, kind),
      samples: samples.map(({ offset, bytes, decodeTimeTicks, ...sample }) => ({
        ...sample,
        decodeTicks: decodeTimeTicks,
        data: segment.subarray(offset, offset + bytes),
      })),
    };
  });
}

function describe(track: ParsedInitTrack, kind: 'video' | 'audio'): StreamDescription {
  const { timescale, codecs, sampleEntry, presentationOffsetTicks: editTicks } = track;
  if (ENCRYPTED.has(String.fromCharCode(...sampleEntry.subarray(4, 8))))
    throw new AppError('source_damaged', 'the package is encrypted');
  const shared = { timescale, codecs, sampleEntry, editTicks };
  return kind === 'video'
    ? { ...shared, kind, width: track.width ?? 0, height: track.height ?? 0 }
    : { ...shared, kind, channels: track.channels ?? 0, sampleRate: track.sampleRate ?? 0 };
}
