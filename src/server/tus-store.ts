/** Uploads as `@tus/server` wants to have them. */
import type { Readable } from 'node:stream';
import { DataStore, type Lock, type Locker, Upload as TusUpload } from '@tus/server';
import { parseUploadId } from '../catalog/upload.ts';
import { AppError } from '../errors.ts';
import type { IngestService, Upload } from '../pipeline/services.ts';
import type { TusBodies } from './tus-body.ts';

/** @tus/server counts from the creation; ours is counted from the last byte, and turned into such a creation. */
const EXPIRATION_MILLISECONDS = 24 * 60 * 60 * 1000;
/** Longer than forcing any write to a disk should take. */
const LOCK_MILLISECONDS = 30_000;

/** The tus extensions creation, creation-with-upload, creation-defer-length, termination and expiration. */
export class TusStore extends DataStore implements Locker {
  override extensions = [
    'creation',
    'creation-with-upload',
    'creation-defer-length',
    'termination',
    'expiration',
  ];
  readonly #ingest: IngestService;
  readonly #bodies: TusBodies;
  readonly #locks = new Map<string, { readonly giveWay: () => unknown; readonly free: Promise<void> }>();
  readonly #writes = new Map<string, Promise<unknown>>();

  constructor(ingest: IngestService, bodies: TusBodies) {
    super();
    this.#ingest = ingest;
    this.#bodies = bodies;
  }

  override async create(file: TusUpload): Promise<TusUpload> {
    const { filename, name, title } = file.metadata ?? {};
    const upload = await this.#ingest.createUpload({
      filename: filename ?? name ?? '',
      ...(typeof title === 'string' ? { title } : {}),
      ...(file.size === undefined ? {} : { bytes: file.size }),
    });
    return Object.assign(file, tusUploadOf(upload));
  }

  override async getUpload(id: string): Promise<TusUpload> {
    return tusUploadOf(await this.#ingest.upload(parseUploadId(id)));
  }

  override async write(standIn: Readable, id: string, offset: number): Promise<number> {
    const { bytes, cutOff, endStandIn } = this.#bodies.take();
    standIn.once('close', cutOff).once('end', cutOff).resume();
    // A body that breaks off fails; there is nothing else to be told by.
    const { signal } = new AbortController();
    const write = this.#ingest.append(parseUploadId(id), offset, bytes, signal);
    this.#writes.set(id, write);
    try {
      return (await write).receivedBytes;
    } finally {
      endStandIn();
    }
  }

  override async declareUploadLength(id: string, bytes: number): Promise<void> {
    await this.#ingest.declareLength(parseUploadId(id), bytes);
  }

  override async remove(id: string): Promise<void> {
    await this.#ingest.terminate(parseUploadId(id));
  }

  override getExpiration(): number {
    return EXPIRATION_MILLISECONDS;
  }

  /**
   * One request at a time for each upload; a new one makes the one before give way. That one may hang on a connection
   * that nobody is at the other end of any more.
   */
  newLock(id: string): Lock {
    let release: (() => void) | undefined;
    return {
      lock: async (_signal, giveWay) => {
        for (let held = this.#locks.get(id); held !== undefined; held = this.#locks.get(id)) {
          held.giveWay();
          await withinTime(held.free);
        }
        const { promise: free, resolve } = Promise.withResolvers<void>();
        this.#locks.set(id, { giveWay, free });
        release = resolve;
      },
      unlock: async () => {
        // @tus/server does not wait for a write whose body broke off, but what had arrived is still being kept.
        await this.#writes.get(id)?.catch(() => {});
        this.#writes.delete(id);
        this.#locks.delete(id);
        release?.();
      },
    };
  }
}

function tusUploadOf(upload: Upload): TusUpload {
  const { id, receivedBytes, totalBytes, filename, title, expiresAt } = upload;
  return new TusUpload({
    id,
    offset: receivedBytes,
    ...(totalBytes === undefined ? {} : { size: totalBytes }),
    metadata: { filename, ...(title === undefined ? {} : { title }) },
    creation_date: new Date(expiresAt.getTime() - EXPIRATION_MILLISECONDS).toISOString(),
  });
}

async function withinTime(free: Promise<void>): Promise<void> {
  const { promise: isLate, resolve } = Promise.withResolvers<'late'>();
  const timer = setTimeout(resolve, LOCK_MILLISECONDS, 'late');
  const first = await Promise.race([free, isLate]);
  clearTimeout(timer);
  if (first === 'late') {
    throw new AppError('unavailable', 'another request is still writing to this upload');
  }
}
