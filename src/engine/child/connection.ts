/** The child's end of the socket to the server. */
import { Socket } from 'node:net';
import { AppError, type ErrorCode } from '../../errors.ts';
import { encodeFrame, type Frame, FrameReader, type Job, type Report, type Request } from '../protocol.ts';

/** The descriptor that the server left open for us: the only thing of the outside that this process has. */
const SOCKET_DESCRIPTOR = 3;

/** One conversation at a time: every question has its answer before the next is asked. */
export class Connection {
  readonly #socket = new Socket({ fd: SOCKET_DESCRIPTOR, readable: true, writable: true });
  readonly #reader = new FrameReader();
  #onJob: (job: Job) => void = () => {};
  /** While it is set, nobody may use the processor. */
  #pause: PromiseWithResolvers<void> | undefined;
  #waiting: { resolve: (frame: Frame) => void } | undefined;

  constructor() {
    this.#socket.on('data', (chunk: Uint8Array) => {
      for (const frame of this.#reader.push(chunk)) this.#receive(frame);
    });
    // The server is gone: nobody wants this work any more, and nobody would end it.
    this.#socket.on('close', endAtOnce);
    this.#socket.on('error', endAtOnce);
  }

  onJob(handler: (job: Job) => void): void {
    this.#onJob = handler;
  }

  /** To be awaited every few frames: resolves at once, or when the server lets the work go on. */
  async pause(): Promise<void> {
    await this.#pause?.promise;
  }

  /** Tells the server something that needs no answer. */
  tell(report: Report, payload?: Uint8Array): void {
    this.#socket.cork();
    for (const chunk of encodeFrame(report, payload)) this.#socket.write(chunk);
    this.#socket.uncork();
  }

  /** Bytes of the source. Throws the AppError that the server met; empty at the end. */
  async read(offset: number, length: number): Promise<Uint8Array> {
    const frame = await this.#ask({ type: 'read', offset, length });
    const answer = frame.header as Request;
    if (answer.type === 'bytes') return frame.payload;
    const failure = answer as { code: ErrorCode; message: string };
    throw new AppError(failure.code, failure.message);
  }

  /** Hands over a finished segment; resolves when the server has room for the next. */
  async segment(trackId: string, index: number, bytes: Uint8Array): Promise<void> {
    await this.#ask({ type: 'segment', trackId, index }, bytes);
  }

  #ask(report: Report, payload?: Uint8Array): Promise<Frame> {
    const { promise, resolve } = Promise.withResolvers<Frame>();
    this.#waiting = { resolve };
    this.tell(report, payload);
    return promise;
  }

  #receive(frame: Frame): void {
    const request = frame.header as Request;
    if (request.type === 'job') this.#onJob(request.job);
    else if (request.type === 'pause') this.#pause ??= Promise.withResolvers();
    else if (request.type === 'resume') {
      this.#pause?.resolve();
      this.#pause = undefined;
    } else {
      const waiting = this.#waiting;
      this.#waiting = undefined;
      waiting?.resolve(frame);
    }
  }
}

/**
 * Not `process.exit`: that waits for Node's threads, and one of them may sit in FFmpeg waiting for bytes that
 * will never come. Such a process would stay for ever (docs/decisions/002).
 */
function endAtOnce(): void {
  process.kill(process.pid, 'SIGKILL');
}
