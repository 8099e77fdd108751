/** What measurements have the engine do, in children of its own. */
import { open } from 'node:fs/promises';
import type { SourceBytes } from '../src/engine/engine.ts';
import { startEngine } from '../src/engine/supervisor.ts';
import { chunkOf } from '../src/media/grid.ts';
import type { AudioEncoding, TrackEncoding, VideoEncoding } from '../src/media/plan.ts';
import type { SourceInfo } from '../src/media/source.ts';

/** Nobody goes away. */
export const never = new AbortController().signal;

/** Reads, without decoding, what a file is. */
export async function inspect(path: string): Promise<SourceInfo> {
  await using engine = startEngine({ spares: 0, idleMs: 1000 });
  await using source = await openSource(path);
  return await engine.inspect(source, never);
}

/** As the background does it: chunk by chunk, all rungs from one decode, then the sound. */
export async function encodeByEngine(
  path: string,
  source: SourceInfo,
  encodings: readonly TrackEncoding[],
): Promise<void> {
  await using engine = startEngine({ spares: 0, idleMs: 60_000 });
  await using bytes = await openSource(path);
  for (const group of [videosOf(encodings), audiosOf(encodings)]) {
    if (group.length === 0) continue;
    const count = (group[0]?.grid.boundaries.length ?? 1) - 1;
    for (let first = 0; first < count; first = chunkOf(first, count).end) {
      const { end } = chunkOf(first, count);
      const request = { source: bytes, info: source, encodings: group, first, end } as const;
      for await (const segment of engine.encode({ ...request, priority: 'background' }, never)) {
        if (segment.bytes.length === 0) throw new Error('an empty segment');
      }
    }
  }
}

/** The pictures. */
export function videosOf(encodings: readonly TrackEncoding[]): readonly VideoEncoding[] {
  return encodings.filter((encoding) => encoding.kind === 'video');
}

/** The sound. */
export function audiosOf(encodings: readonly TrackEncoding[]): readonly AudioEncoding[] {
  return encodings.filter((encoding) => encoding.kind === 'audio');
}

/** A file as a source. */
export async function openSource(path: string): Promise<SourceBytes & AsyncDisposable> {
  const handle = await open(path);
  const { size } = await handle.stat();
  return {
    identity: path,
    bytes: size,
    async read(offset, length) {
      const { buffer, bytesRead } = await handle.read({
        buffer: new Uint8Array(length),
        position: offset,
      });
      return buffer.subarray(0, bytesRead);
    },
    [Symbol.asyncDispose]: () => handle.close(),
  };
}
