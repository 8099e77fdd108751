/** Encoding stretches of a video's grid that nobody waits for: all rungs from one decode. */
import type { Chunk } from '../catalog/chunk-repository.ts';
import type { Video } from '../catalog/video.ts';
import type { MediaEngine, SourceBytes } from '../engine/engine.ts';
import type { Pace } from '../engine/pace.ts';
import { SEGMENTS_PER_CHUNK } from '../media/grid.ts';
import type { Plan, TrackEncoding } from '../media/plan.ts';
import type { SegmentProgress } from './segment-progress.ts';
import type { SegmentStore, TrackAddress } from './segment-store.ts';

/** What it works with. */
export type EncodeMissingOptions = {
  readonly engine: MediaEngine;
  readonly segments: SegmentStore;
  readonly progress: SegmentProgress;
  readonly sourceOf: (video: Video) => SourceBytes;
};

/** A video of so many chunks has its last one cut into pieces of so many segments. */
const PIECES = { fromChunks: 4, segments: 2 };

/**
 * Every chunk of a video, from its beginning to its end: sound and picture have grids of their own. The last ones are
 * short, so that of several who encode nobody is at one for long when the others have nothing left to do.
 */
export function chunksOf(video: Video, plan: Plan): readonly Chunk[] {
  const chunks: Chunk[] = [];
  for (const kind of ['audio', 'video'] as const) {
    const encoding = [...plan.encodings.values()].find((one) => one.kind === kind);
    const count = encoding === undefined ? 0 : encoding.grid.boundaries.length - 1;
    const isLong = count >= PIECES.fromChunks * SEGMENTS_PER_CHUNK;
    const whole = isLong ? Math.floor(count / SEGMENTS_PER_CHUNK - 1) * SEGMENTS_PER_CHUNK : count;
    for (let first = 0, end; first < count; first = end) {
      end = Math.min(first + (first < whole ? SEGMENTS_PER_CHUNK : PIECES.segments), count);
      chunks.push({ videoId: video.id, revision: video.revision, kind, first, end });
    }
  }
  return chunks.sort((a, b) => a.first - b.first);
}

/**
 * All rungs of a chunk from one decode; what is stored already is left out as far as it can be. `onBegun` is called where
 * there is anything left to encode.
 */
export async function encodeMissing(
  options: EncodeMissingOptions,
  { video, plan, chunk }: { readonly video: Video; readonly plan: Plan; readonly chunk: Chunk },
  pace: Pace,
  signal: AbortSignal,
  onBegun: () => void = () => {},
): Promise<void> {
  const { engine, segments, progress, sourceOf } = options;
  await segments.load(video.id, video.revision, signal);
  const encodings = [...plan.encodings.values()].filter(({ kind }) => kind === chunk.kind);
  const missing = encodings.map((encoding) => ({
    encoding,
    indexes: range(chunk.first, chunk.end).filter(
      (index) => !segments.isStored(addressOf(video, encoding), index),
    ),
  }));
  const wanted = missing.filter(({ indexes }) => indexes.length > 0);
  const indexes = wanted.flatMap((one) => one.indexes);
  if (indexes.length === 0 || video.content?.kind !== 'media') return;
  onBegun();
  const begun = new Map(wanted.map(({ encoding }) => [encoding.trackId, () => {}]));
  const begin = (trackId: string, index: number): void => {
    begun.get(trackId)?.();
    begun.set(trackId, progress.begin(video, trackId, index));
  };
  const [first, last] = [Math.min(...indexes), Math.max(...indexes)];
  for (const { encoding } of wanted) begin(encoding.trackId, first);
  try {
    const request = {
      source: sourceOf(video),
      info: video.content.source,
      encodings: wanted.map(({ encoding }) => encoding),
      first,
      end: last + 1,
      priority: 'background',
      pace,
    } as const;
    for await (const { trackId, index, bytes } of engine.encode(request, signal)) {
      await segments.putSegment(
        { videoId: video.id, revision: video.revision, trackId },
        index,
        bytes,
        signal,
      );
      if (index < last) begin(trackId, index + 1);
      else begun.get(trackId)?.();
    }
  } finally {
    for (const end of begun.values()) end();
  }
}

/** Stores the init segment of each track, for whoever asks later: a later release might make other ones. */
export async function storeInitSegments(
  { engine, segments }: Pick<EncodeMissingOptions, 'engine' | 'segments'>,
  { id: videoId, revision, content }: Video,
  plan: Plan,
  signal: AbortSignal,
): Promise<void> {
  if (content?.kind !== 'media') return;
  const inits = await engine.initSegments([...plan.encodings.values()], content.source, signal);
  for (const [trackId, bytes] of inits) {
    await segments.putInitSegment({ videoId, revision, trackId }, bytes, signal);
  }
}

function addressOf(video: Video, { trackId }: TrackEncoding): TrackAddress {
  return { videoId: video.id, revision: video.revision, trackId };
}

function range(first: number, end: number): number[] {
  return Array.from({ length: end - first }, (_, offset) => first + offset);
}
