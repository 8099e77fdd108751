/** The media engine: jobs in, children kept ready, one source for each child. */
import { randomUUID } from 'node:crypto';
import { SNIFF_BYTES, sniffContainer } from '../containers/sniff.ts';
import { sniffImage } from '../containers/sniff-image.ts';
import { AppError } from '../errors.ts';
import type { AudioEncoding, TrackEncoding, VideoEncoding } from '../media/plan.ts';
import type { SourceInfo } from '../media/source.ts';
import { type Conversation, EngineChild, type JobReport, type Priority } from './child-process.ts';
import type { EncodedSegment, EncodeRequest, MediaEngine, SourceBytes } from './engine.ts';
import type { Job, SourceHandle } from './protocol.ts';

export type SupervisorOptions = {
  /** Children started in advance, so that a first request does not wait for a process to start. */
  readonly spares: number;
  /** How long a child keeps its source open after a job, in case the next one is for the same. */
  readonly idleMs: number;
};

/** Silence that is longer than any honest pause in reading or between segments of the smallest pictures. */
const SILENCE_MS = 30_000;
/** Background work gets what is left of the processor, which may be next to nothing for minutes. */
const BACKGROUND_PATIENCE = 10;
/** The slowest encoding that is still worth waiting for, in pixels a millisecond over all rungs. */
const PIXELS_PER_MS = 2000;
/** A spare is started only after the job that took the last one has had the processor for so long. */
const RESPAWN_DELAY_MS = 400;

/** Starts the engine. It has `spares` children at once, and ends all of them when it is disposed of. */
export function startEngine(options: SupervisorOptions): MediaEngine {
  const pool = new ChildPool(options);

  async function* converse(priority: Priority, conversation: Conversation): AsyncGenerator<JobReport> {
    const child = pool.acquire(conversation.source?.identity, priority);
    try {
      yield* child.converse(conversation);
    } finally {
      pool.release(child, conversation.source?.identity);
    }
  }

  async function result(priority: Priority, conversation: Conversation): Promise<JobReport[]> {
    return Array.fromAsync(converse(priority, conversation));
  }

  return {
    async inspect(source, signal) {
      const job: Job = { type: 'inspect', source: await handleOf(source, signal) };
      // What follows an inspection may be a viewer's first request: it does not wait behind background work.
      const [first] = await result('viewer', { job, source, silenceMs: SILENCE_MS, signal });
      if (first?.report.type !== 'info') throw new AppError('encode_failed', 'the engine gave no answer');
      return first.report.info;
    },

    async initSegments(encodings, info, signal) {
      const job: Job = { type: 'init', info, encodings };
      const inits = new Map<string, Uint8Array>();
      for (const { report, payload } of await result('viewer', { job, silenceMs: SILENCE_MS, signal })) {
        if (report.type === 'init') inits.set(report.trackId, payload);
      }
      return inits;
    },

    async *encode(request, signal) {
      const job = encodeJob(request, await handleOf(request.source, signal));
      const patience = request.priority === 'background' ? BACKGROUND_PATIENCE : 1;
      const silenceMs = patience * (SILENCE_MS + pixelsOfSegment(request.encodings) / PIXELS_PER_MS);
      const { source, pace } = request;
      const conversation = { job, source, silenceMs, signal, ...(pace === undefined ? {} : { pace }) };
      for await (const { report, payload } of converse(request.priority, conversation)) {
        if (report.type === 'segment') yield checkedSegment(request, report, payload);
      }
    },

    async captions({ source, info, priority, pace }, signal) {
      const job: Job = { type: 'captions', source: handleFor(source, info), info };
      const silenceMs = BACKGROUND_PATIENCE * SILENCE_MS;
      const conversation = { job, source, silenceMs, signal, ...(pace === undefined ? {} : { pace }) };
      const texts = new Map<number, Uint8Array>();
      for await (const { report, payload } of converse(priority, conversation)) {
        if (report.type === 'captions') texts.set(report.streamIndex, payload);
      }
      return texts;
    },

    async picture({ source, info, wanted, priority, pace }, signal) {
      const job: Job = { type: 'picture', source: handleFor(source, info), info, wanted };
      const patience = priority === 'background' ? BACKGROUND_PATIENCE : 1;
      const paced = pace === undefined ? {} : { pace };
      return pictureOf(
        await result(priority, { job, source, silenceMs: patience * SILENCE_MS, signal, ...paced }),
      );
    },

    async still(image, maxSide, signal) {
      const kind = sniffImage(image);
      if (kind === undefined)
        throw new AppError('unsupported_media_type', 'the picture is none of JPEG, PNG and WebP');
      const source = {
        identity: `still/${randomUUID()}`,
        bytes: image.length,
        read: async (offset: number, length: number) => image.subarray(offset, offset + length),
      };
      const job: Job = { type: 'still', bytes: image.length, kind, maxSide };
      return pictureOf(await result('viewer', { job, source, silenceMs: SILENCE_MS, signal }));
    },

    async ping(signal) {
      await result('viewer', { job: { type: 'ping' }, silenceMs: SILENCE_MS, signal });
    },

    [Symbol.asyncDispose]: () => pool.close(),
  };
}

function pictureOf([first]: readonly JobReport[]): Uint8Array {
  if (first?.report.type !== 'picture') throw new AppError('encode_failed', 'the engine gave no picture');
  return first.payload;
}

/** Sniffs the source. Throws `source_empty`, `source_not_media`, or what reading met. */
async function handleOf(source: SourceBytes, signal: AbortSignal): Promise<SourceHandle> {
  if (source.bytes === 0) throw new AppError('source_empty', 'the file is empty');
  const head = await source.read(0, Math.min(SNIFF_BYTES, source.bytes), signal);
  const container = sniffContainer(head);
  if (container === undefined)
    throw new AppError('source_not_media', 'the file is not a video or audio file');
  return { bytes: source.bytes, container };
}

function handleFor(source: SourceBytes, info: SourceInfo): SourceHandle {
  return { bytes: source.bytes, container: info.container as SourceHandle['container'] };
}

function encodeJob({ info, encodings, first, end }: EncodeRequest, source: SourceHandle): Job {
  const audios = encodings.filter((encoding): encoding is AudioEncoding => encoding.kind === 'audio');
  if (audios.length > 0) return { type: 'encode-audio', source, info, encodings: audios, first, end };
  const videos = encodings.filter((encoding): encoding is VideoEncoding => encoding.kind === 'video');
  return { type: 'encode-video', source, info, encodings: videos, first, end };
}

function pixelsOfSegment(encodings: readonly TrackEncoding[]): number {
  let pixels = 0;
  for (const encoding of encodings) {
    if (encoding.kind === 'video') {
      pixels += encoding.rung.width * encoding.rung.height * (encoding.grid.boundaries[1] ?? 1);
    }
  }
  return pixels;
}

/** The child may only hand over what it was asked for. */
function checkedSegment(
  { encodings, first, end }: EncodeRequest,
  { trackId, index }: { trackId: string; index: number },
  bytes: Uint8Array,
): EncodedSegment {
  const isAsked = encodings.some((encoding) => encoding.trackId === trackId) && index >= first && index < end;
  if (!isAsked || bytes.length === 0) throw new AppError('encode_failed', 'the engine gave something else');
  return { trackId, index, bytes };
}

/** Children that wait: spares that have seen nothing yet, and idle ones that hold a source open. */
class ChildPool {
  readonly #options: SupervisorOptions;
  readonly #all = new Set<EngineChild>();
  #spares: EngineChild[] = [];
  #idle: { child: EngineChild; identity: string; timer: NodeJS.Timeout }[] = [];
  #isClosed = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#refill();
  }

  /** A child that has this source open, or has seen none. */
  acquire(identity: string | undefined, priority: Priority): EngineChild {
    if (this.#isClosed) throw new AppError('aborted', 'the server is stopping');
    const index = this.#idle.findIndex(
      (entry) => entry.identity === identity && entry.child.priority === priority,
    );
    if (index >= 0) {
      const [entry] = this.#idle.splice(index, 1);
      clearTimeout(entry!.timer);
      if (!entry!.child.hasEnded) return entry!.child;
    }
    const spare = priority === 'viewer' ? this.#spares.shift() : undefined;
    setTimeout(() => this.#refill(), RESPAWN_DELAY_MS).unref();
    return spare === undefined || spare.hasEnded ? this.#spawn(priority) : spare;
  }

  /** A child that worked on one source must never see another: it may have been taken over by the first. */
  release(child: EngineChild, identity: string | undefined): void {
    if (child.hasEnded || this.#isClosed) return;
    if (identity === undefined) {
      // Another may have taken its place meanwhile.
      if (this.#spares.length < this.#options.spares) this.#spares.push(child);
      else void child.kill();
      return;
    }
    const end = (): void => {
      this.#idle = this.#idle.filter((entry) => entry.child !== child);
      void child.kill();
    };
    this.#idle.push({ child, identity, timer: setTimeout(end, this.#options.idleMs).unref() });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const { timer } of this.#idle) clearTimeout(timer);
    await Promise.all([...this.#all].map((child) => child.kill()));
  }

  #spawn(priority: Priority): EngineChild {
    const child = new EngineChild(priority);
    this.#all.add(child);
    void child.exited.then(() => this.#all.delete(child));
    return child;
  }

  #refill(): void {
    if (this.#isClosed) return;
    this.#spares = this.#spares.filter((child) => !child.hasEnded);
    while (this.#spares.length < this.#options.spares) this.#spares.push(this.#spawn('viewer'));
  }
}
