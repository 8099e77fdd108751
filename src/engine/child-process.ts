/** One child process, as the server sees it: spawned in a cell, given jobs, watched, ended. */
import { type ChildProcess, spawn } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setPriority } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { AppError, isAppError } from '../errors.ts';
import type { SourceBytes } from './engine.ts';
import type { Pace } from './pace.ts';
import { encodeFrame, FrameReader, type Job, type Report, type Request } from './protocol.ts';
import { reportSchema } from './protocol-schema.ts';

const CHILD_MAIN = fileURLToPath(new URL('./child/main.ts', import.meta.url));
const PACKAGE_ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** JavaScript needs little in a child; pictures live in FFmpeg's memory, which is watched. */
const HEAP_MEGABYTES = 256;
/** A child above this is ended: nothing that passes the limits of inspection needs as much. */
const MAX_RESIDENT_BYTES = 4 * 1024 ** 3;
/** The lowest scheduling priority. */
const BACKGROUND_NICENESS = 19;
const MEMORY_CHECK_MS = 1000;
/** Linux keeps resident memory in pages of this size (x86-64 and arm64 as distributions configure it). */
const PAGE_BYTES = 4096;

/** Whether someone waits for the work. */
export type Priority = 'viewer' | 'background';

/** What the child says of a job besides `read`, `done` and `failed`, which are dealt with here. */
export type JobReport = {
  readonly report: Exclude<Report, { type: 'read' | 'done' | 'failed' }>;
  readonly payload: Uint8Array;
};

export type Conversation = {
  readonly job: Job;
  /** Answers the child's reads; absent for jobs that open nothing. */
  readonly source?: SourceBytes;
  readonly pace?: Pace;
  /** The child is ended when it says nothing for so long, pauses aside. */
  readonly silenceMs: number;
  readonly signal: AbortSignal;
};

/** A running child process. It has one job at a time. */
export class EngineChild {
  readonly priority: Priority;
  /** Resolves when the process is gone. */
  readonly exited: Promise<void>;
  readonly #process: ChildProcess;
  readonly #socket: Duplex;
  #onEvent: (event: ChildEvent) => void = () => {};
  #hasEnded = false;

  constructor(priority: Priority) {
    this.priority = priority;
    this.#process = spawn(process.execPath, childArguments(priority), {
      env: {},
      stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
      cwd: '/',
    });
    this.#socket = this.#process.stdio[3] as Duplex;
    if (priority === 'background') yieldToOthers(this.#process.pid);
    const reader = new FrameReader();
    this.#socket.on('data', (chunk: Uint8Array) => {
      try {
        for (const frame of reader.push(chunk)) {
          this.#onEvent({ type: 'report', report: reportSchema.parse(frame.header), payload: frame.payload });
        }
      } catch {
        this.kill();
      }
    });
    this.#socket.on('error', () => {});
    const { promise, resolve } = Promise.withResolvers<void>();
    this.exited = promise;
    const end = (): void => {
      this.#hasEnded = true;
      this.#onEvent({ type: 'exit' });
      resolve();
    };
    this.#process.once('exit', end);
    this.#process.once('error', end);
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** At once, whatever it is doing. */
  async kill(): Promise<void> {
    this.#process.kill('SIGKILL');
    this.#socket.destroy();
    await this.exited;
  }

  /**
   * Gives the child a job and yields what it reports, until it is done. Leaving early (an error, `break`, the
   * signal) ends the child, since nothing else stops FFmpeg in the middle of a call.
   */
  async *converse(conversation: Conversation): AsyncGenerator<JobReport> {
    const { job, source, signal, pace } = conversation;
    const events = new EventQueue();
    this.#onEvent = (event) => events.push(event);
    if (this.#hasEnded) events.push({ type: 'exit' });
    const abort = (): void => events.push({ type: 'abort' });
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    const memoryCheck = setInterval(() => void this.#checkMemory(events), MEMORY_CHECK_MS);
    const tellPace = (): void => this.#send({ type: pace?.isPaused ? 'pause' : 'resume' });
    const forgetPace = pace?.onChange(tellPace);
    let isDone = false;
    try {
      tellPace();
      this.#send({ type: 'job', job });
      while (!isDone) {
        const event = await events.next(conversation.silenceMs);
        if (event.type === 'silence' && pace?.isPaused) continue;
        if (event.type !== 'report') throw errorOf(event);
        const { report, payload } = event;
        // The child ends with it: what FFmpeg is left in after a failure is anybody's guess.
        if (report.type === 'failed') throw new AppError(report.code, report.message);
        if (report.type === 'done') isDone = true;
        else if (report.type === 'read') await this.#answerRead(report, source, signal);
        else {
          yield { report, payload };
          if (report.type === 'segment') this.#send({ type: 'next' });
        }
      }
    } finally {
      clearInterval(memoryCheck);
      forgetPace?.();
      signal.removeEventListener('abort', abort);
      this.#onEvent = () => {};
      if (!isDone) await this.kill();
    }
  }

  async #answerRead(
    { offset, length }: { offset: number; length: number },
    source: SourceBytes | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    try {
      if (source === undefined) throw new AppError('internal', 'the job has no source');
      this.#send({ type: 'bytes' }, await source.read(offset, length, signal));
    } catch (error) {
      const failure = isAppError(error)
        ? error
        : new AppError('source_unreadable', 'the source cannot be read');
      this.#send({ type: 'read-failed', code: failure.code, message: failure.message });
    }
  }

  #send(request: Request, payload?: Uint8Array): void {
    if (this.#socket.destroyed) return;
    for (const chunk of encodeFrame(request, payload)) this.#socket.write(chunk);
  }

  async #checkMemory(events: EventQueue): Promise<void> {
    const { pid } = this.#process;
    if (process.platform !== 'linux' || pid === undefined) return;
    const statm = await readFile(`/proc/${pid}/statm`, 'utf8').catch(() => '');
    const residentPages = Number(statm.split(' ')[1] ?? 0);
    if (residentPages * PAGE_BYTES > MAX_RESIDENT_BYTES) events.push({ type: 'memory' });
  }
}

type ChildEvent =
  | { readonly type: 'report'; readonly report: z.infer<typeof reportSchema>; readonly payload: Uint8Array }
  | { readonly type: 'exit' | 'abort' | 'memory' | 'silence' };

function errorOf({ type }: { readonly type: 'exit' | 'abort' | 'memory' | 'silence' }): AppError {
  if (type === 'abort') return new AppError('aborted', 'nobody wants this any more');
  if (type === 'silence') return new AppError('encode_timeout', 'the engine took too long and was stopped');
  if (type === 'memory') return new AppError('source_unsupported', 'the source needs too much memory');
  return new AppError('encode_failed', 'the engine stopped unexpectedly');
}

/** Events in their order, for one waiting reader; what ends the conversation overtakes the rest. */
class EventQueue {
  readonly #events: ChildEvent[] = [];
  #wake: (() => void) | undefined;

  push(event: ChildEvent): void {
    // A child that finished and exited has finished: its last reports come first.
    if (event.type === 'abort' || event.type === 'memory') this.#events.unshift(event);
    else this.#events.push(event);
    this.#wake?.();
  }

  async next(silenceMs: number): Promise<ChildEvent> {
    if (this.#events.length === 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      const timer = setTimeout(resolve, silenceMs);
      await promise;
      clearTimeout(timer);
      this.#wake = undefined;
    }
    return this.#events.shift() ?? { type: 'silence' };
  }
}

/** At once: even its start may not take the processor from a viewer. Threads that come later inherit it. */
function yieldToOthers(pid: number | undefined): void {
  try {
    if (pid !== undefined) setPriority(pid, BACKGROUND_NICENESS);
  } catch {
    // It has ended already: that is reported elsewhere.
  }
}

/** Node's permission model: files of the program's own only, no network, no processes. What that does not hold: docs/decisions/053. */
function childArguments(priority: Priority): string[] {
  return [
    '--permission',
    `--allow-fs-read=${PACKAGE_ROOT}*`,
    // A work tree may share the packages of another: permission goes by where a link leads.
    `--allow-fs-read=${realpathSync(join(PACKAGE_ROOT, 'node_modules'))}/*`,
    '--allow-addons',
    '--no-warnings',
    `--max-old-space-size=${HEAP_MEGABYTES}`,
    CHILD_MAIN,
    priority,
  ];
}
