/** Objects that arrive in pieces, as multipart uploads. All that is known of one is in the bucket: any server can go on. */
import { ListMultipartUploadsCommand, type ListMultipartUploadsCommandOutput } from '@aws-sdk/client-s3';
import { AppError, isAppError } from '../errors.ts';
import { checkSignal, eachChunk } from './abort.ts';
import type { ObjectKey } from './object-key.ts';
import type { ObjectInfo } from './object-store.ts';
import { PartCollector } from './part-collector.ts';
import type { PartialObjects } from './partial-objects.ts';
import type { S3Place } from './s3-client.ts';
import { translated } from './s3-errors.ts';
import { keyOf, listPages } from './s3-keys.ts';
import {
  contentOf,
  entriesOf,
  folderOf,
  PARTIAL_PREFIX,
  type PartialState,
  stateOf,
  tailName,
  uploadOf,
} from './s3-partial-state.ts';
import { headObject } from './s3-read.ts';
import {
  abortParts,
  beginParts,
  completeParts,
  deleteAll,
  deleteName,
  MAX_PARTS,
  type MultipartUpload,
  PART_BYTES,
  putBytes,
  putPart,
  type StoredPart,
} from './s3-write.ts';

const MEBIBYTE = 1024 * 1024;

/** The partial objects of `place`; `s3Store(place)` has them once they are finished. */
export function s3Partials(place: S3Place): PartialObjects {
  return {
    async create(name, key, options = {}) {
      const folder = folderOf(name);
      if ((await entriesOf(place, folder)).length > 0) {
        throw new AppError('object_store_failed', 'a partial object of this name is there already');
      }
      const { uploadId } = await beginParts(place, place.prefix + key);
      const upload = { key, uploadId, partBytes: partBytesFor(options.bytes ?? 0) };
      await putBytes(place, `${folder}upload`, new TextEncoder().encode(JSON.stringify(upload)));
    },
    append: (name, offset, body, options) => append(place, name, offset, body, options),
    size: async (name) => (await stateOf(place, folderOf(name))).size,
    finish: (name, key) => finish(place, name, key),
    async remove(name) {
      const folder = folderOf(name);
      try {
        const { key, uploadId } = await uploadOf(place, folder);
        await abortParts(place, { name: place.prefix + key, uploadId });
      } catch (error) {
        if (!isAppError(error, 'object_not_found')) throw error;
      }
      await deleteAll(place, place.prefix + folder);
    },
    tidy: (begunBefore) => abortAbandoned(place, begunBefore),
    list: () => listPartials(place),
    freeBytes: async () => undefined,
  };
}

/** So that everything fits into the parts that there may be; in whole mebibytes. */
function partBytesFor(bytes: number): number {
  return Math.max(PART_BYTES, Math.ceil(bytes / (MAX_PARTS - 1) / MEBIBYTE) * MEBIBYTE);
}

async function append(
  place: S3Place,
  name: string,
  offset: number,
  body: ReadableStream<Uint8Array>,
  options: Parameters<PartialObjects['append']>[3],
): Promise<number> {
  const folder = folderOf(name);
  let writer: Appender;
  try {
    checkSignal(options.signal);
    const state = await stateOf(place, folder);
    if (state.size !== offset) {
      throw new AppError('invalid_request', `the object has ${state.size} bytes, not ${offset}`);
    }
    writer = await Appender.open(place, folder, state);
  } catch (error) {
    await body.cancel(error).catch(() => {});
    throw error;
  }
  try {
    await writer.addAll(body, options);
  } catch (error) {
    // What had arrived is kept; where even that fails, the error that came first says why.
    await writer.finish().catch(() => {});
    throw error;
  }
  return writer.finish();
}

/** Makes parts of what arrives, and a tail of the rest. */
class Appender {
  readonly #place: S3Place;
  readonly #folder: string;
  readonly #before: PartialState;
  readonly #collector: PartCollector;
  #parts: number;
  #partsBytes: number;
  /** Of the whole object, with what is still in memory. */
  #size: number;

  private constructor(place: S3Place, folder: string, state: PartialState) {
    this.#place = place;
    this.#folder = folder;
    this.#before = state;
    this.#parts = state.parts.length;
    this.#partsBytes = state.partsBytes;
    this.#size = state.partsBytes;
    const { key, uploadId, partBytes } = state.upload;
    const upload = { name: place.prefix + key, uploadId };
    this.#collector = new PartCollector(partBytes, async (bytes) => {
      await putPart(place, upload, this.#parts + 1, bytes);
      this.#parts++;
      this.#partsBytes += bytes.length;
    });
  }

  static async open(place: S3Place, folder: string, state: PartialState): Promise<Appender> {
    const appender = new Appender(place, folder, state);
    if (state.tail !== undefined) await appender.#add(await contentOf(place, state.tail.name));
    return appender;
  }

  async addAll(
    body: ReadableStream<Uint8Array>,
    { signal, limitBytes }: Parameters<PartialObjects['append']>[3],
  ): Promise<void> {
    await eachChunk(body, signal, async (bytes) => {
      const room = limitBytes - this.#size;
      await this.#add(bytes.subarray(0, room));
      if (bytes.length > room)
        throw new AppError('source_too_large', `no more than ${limitBytes} bytes are taken`);
    });
  }

  /** The size of the object, all of it stored. */
  async finish(): Promise<number> {
    const rest = await this.#collector.rest();
    const { tail } = this.#before;
    const name = this.#folder + tailName(this.#partsBytes, rest.length);
    const isThere = tail?.name === this.#place.prefix + name;
    if (rest.length > 0 && !isThere) await putBytes(this.#place, name, rest);
    if (tail !== undefined && !isThere) await deleteName(this.#place, tail.name);
    return this.#partsBytes + rest.length;
  }

  async #add(bytes: Uint8Array): Promise<void> {
    this.#size += bytes.length;
    await this.#collector.add(bytes);
  }
}

/** Complete, it is an object like any other. */
async function finish(place: S3Place, name: string, key: ObjectKey): Promise<ObjectInfo> {
  const folder = folderOf(name);
  const { upload, parts, tail, size } = await stateOf(place, folder);
  if (upload.key !== key) throw new AppError('internal', 'the object was to become another one');
  const multipart = { name: place.prefix + key, uploadId: upload.uploadId };
  if (size === 0) {
    // A multipart upload has one part at least.
    await putBytes(place, key, new Uint8Array(0));
    await abortParts(place, multipart);
  } else {
    const last =
      tail && (await putPart(place, multipart, parts.length + 1, await contentOf(place, tail.name)));
    await complete(place, multipart, last === undefined ? parts : [...parts, last], size);
  }
  const info = await headObject(place, key);
  await deleteAll(place, place.prefix + folder);
  return info;
}

/** Where the answer to a first try was lost, a second one is told that there is no such upload: it is the object. */
async function complete(
  place: S3Place,
  upload: MultipartUpload,
  parts: readonly StoredPart[],
  bytes: number,
): Promise<void> {
  try {
    await completeParts(place, upload, parts);
  } catch (error) {
    if (!isAppError(error, 'object_not_found')) throw error;
    const key = keyOf(place, upload.name);
    const there = key && (await headObject(place, key));
    if (there?.bytes !== bytes) throw error;
  }
}

/** Multipart uploads that no partial object knows: nobody goes on with them, and they are paid for until they are aborted. */
async function abortAbandoned(place: S3Place, begunBefore: Date): Promise<void> {
  const { client, bucket, prefix } = place;
  let next: { KeyMarker?: string; UploadIdMarker?: string } | undefined = {};
  const old: MultipartUpload[] = [];
  while (next !== undefined) {
    const input = { Bucket: bucket, Prefix: prefix, ...next };
    const page: ListMultipartUploadsCommandOutput = await translated(() =>
      client.send(new ListMultipartUploadsCommand(input)),
    );
    for (const { Key: name = '', UploadId: uploadId = '', Initiated } of page.Uploads ?? []) {
      if ((Initiated ?? new Date()) < begunBefore) old.push({ name, uploadId });
    }
    const { IsTruncated, NextKeyMarker: KeyMarker, NextUploadIdMarker: UploadIdMarker } = page;
    next = IsTruncated && KeyMarker && UploadIdMarker ? { KeyMarker, UploadIdMarker } : undefined;
  }
  if (old.length === 0) return;
  const known = new Set<string>();
  for (const name of await namesOf(place))
    known.add((await stateIfThere(place, folderOf(name)))?.upload.uploadId ?? '');
  for (const upload of old) if (!known.has(upload.uploadId)) await abortParts(place, upload);
}

async function* listPartials(place: S3Place): ReturnType<PartialObjects['list']> {
  for (const name of await namesOf(place)) {
    const state = await stateIfThere(place, folderOf(name));
    if (state !== undefined) yield { name, bytes: state.size, modifiedAt: state.modifiedAt };
  }
}

async function namesOf(place: S3Place): Promise<ReadonlySet<string>> {
  const start = place.prefix + PARTIAL_PREFIX;
  const names = new Set<string>();
  for await (const page of listPages(place, start, {})) {
    for (const { name } of page) names.add(name.slice(start.length).split('/')[0] ?? '');
  }
  return names;
}

/** One that was finished by a server which then died leaves its notes. */
async function stateIfThere(place: S3Place, folder: string): Promise<PartialState | undefined> {
  try {
    return await stateOf(place, folder);
  } catch (error) {
    if (!isAppError(error, 'object_not_found')) throw error;
    await deleteAll(place, place.prefix + folder);
    return undefined;
  }
}
