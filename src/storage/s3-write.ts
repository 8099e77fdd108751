/** Writing and deleting objects of a bucket. */
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { AppError, isAppError } from '../errors.ts';
import { checkSignal, eachChunk } from './abort.ts';
import type { ObjectKey } from './object-key.ts';
import type { ObjectStore, PutOptions, PutResult, ReadOptions } from './object-store.ts';
import { PartCollector } from './part-collector.ts';
import type { S3Place } from './s3-client.ts';
import { isAbsent, translated } from './s3-errors.ts';
import { abortWith, isTemporary, listPages, plainEtag } from './s3-keys.ts';

/** More than the least that providers take (5 MiB); all parts but the last have the same size, as some of them ask. */
export const PART_BYTES = 8 * 1024 * 1024;
/** The most parts of one object. */
export const MAX_PARTS = 10_000;
/** Names that XML 1.0 can carry (2.2); a request to delete many is XML. */
const NOT_IN_XML = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/u;
const CACHE_FOR_EVER = 'public, max-age=31536000, immutable';

/** A part that is stored. */
export type StoredPart = { readonly number: number; readonly etag: string; readonly bytes: number };
/** An upload in parts that is under way; `name` is the whole name in the bucket. */
export type MultipartUpload = { readonly name: string; readonly uploadId: string };

/** `ObjectStore.put`. */
export async function putObject(
  place: S3Place,
  key: ObjectKey,
  body: Parameters<ObjectStore['put']>[1],
  options: PutOptions = {},
): Promise<PutResult> {
  try {
    checkSignal(options.signal);
    if (isTemporary(key)) throw new AppError('object_store_failed', 'this name is reserved');
    if (body instanceof Uint8Array) return await putBytes(place, key, body, options);
    return await putStream(place, key, body, options);
  } catch (error) {
    if (body instanceof ReadableStream && !body.locked) await body.cancel(error).catch(() => {});
    throw error;
  }
}

/** `ObjectStore.delete`. */
export async function deleteObject(
  { client, bucket, prefix }: S3Place,
  key: ObjectKey,
  { signal }: ReadOptions = {},
): Promise<void> {
  checkSignal(signal);
  if (isTemporary(key)) return;
  await deleteName({ client, bucket, prefix }, prefix + key, signal);
}

/** Deletes every object whose name begins with `start`: a thousand a request. */
export async function deleteAll(place: S3Place, start: string, options: ReadOptions = {}): Promise<void> {
  checkSignal(options.signal);
  for await (const page of listPages(place, start, options)) {
    const names = page.map(({ name }) => name);
    await deleteNames(
      place,
      names.filter((name) => !NOT_IN_XML.test(name)),
      options.signal,
    );
    for (const name of names) if (NOT_IN_XML.test(name)) await deleteName(place, name, options.signal);
  }
}

/** Begins an object that arrives in parts. Either {@link completeParts} or {@link abortParts} must follow. */
export async function beginParts(
  { client, bucket }: S3Place,
  name: string,
  options: PutOptions = {},
): Promise<MultipartUpload> {
  const input = { Bucket: bucket, Key: name, ...headersOf(options) };
  const { UploadId } = await translated(() =>
    client.send(new CreateMultipartUploadCommand(input), abortWith(options.signal)),
  );
  return { name, uploadId: UploadId ?? '' };
}

/** Stores one part; the same number again replaces it. Numbers count from 1. */
export async function putPart(
  { client, bucket }: S3Place,
  { name, uploadId }: MultipartUpload,
  number: number,
  bytes: Uint8Array,
  signal?: AbortSignal,
): Promise<StoredPart> {
  if (number > MAX_PARTS) {
    throw new AppError('source_too_large', `an object has no more than ${MAX_PARTS} parts`);
  }
  const input = { Bucket: bucket, Key: name, UploadId: uploadId, PartNumber: number, Body: bytes };
  const { ETag } = await translated(() => client.send(new UploadPartCommand(input), abortWith(signal)));
  return { number, etag: ETag ?? '', bytes: bytes.length };
}

/** The parts become the object. Its etag. */
export async function completeParts(
  { client, bucket }: S3Place,
  { name, uploadId }: MultipartUpload,
  parts: readonly StoredPart[],
): Promise<string> {
  const input = {
    Bucket: bucket,
    Key: name,
    UploadId: uploadId,
    MultipartUpload: { Parts: parts.map(({ number, etag }) => ({ PartNumber: number, ETag: etag })) },
  };
  const { ETag } = await translated(() => client.send(new CompleteMultipartUploadCommand(input)));
  return plainEtag(ETag);
}

/** Throws the parts away. Idempotent. */
export async function abortParts(
  { client, bucket }: S3Place,
  { name, uploadId }: MultipartUpload,
): Promise<void> {
  try {
    await client.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key: name, UploadId: uploadId }));
  } catch (error) {
    if (!isAbsent(error)) throw error;
  }
}

/** Stores an object of which all bytes are known. */
export async function putBytes(
  { client, bucket, prefix }: S3Place,
  key: string,
  bytes: Uint8Array,
  options: PutOptions = {},
): Promise<PutResult> {
  const input = { Bucket: bucket, Key: prefix + key, Body: bytes, ...headersOf(options) };
  const { ETag } = await translated(() =>
    client.send(new PutObjectCommand(input), abortWith(options.signal)),
  );
  return { key: key as ObjectKey, bytes: bytes.length, etag: plainEtag(ETag) };
}

/** In parts, unless all of it fits into one. */
async function putStream(
  place: S3Place,
  key: ObjectKey,
  body: ReadableStream<Uint8Array>,
  options: PutOptions,
): Promise<PutResult> {
  let upload: MultipartUpload | undefined;
  const parts: StoredPart[] = [];
  const collector = new PartCollector(PART_BYTES, async (bytes) => {
    upload ??= await beginParts(place, place.prefix + key, options);
    parts.push(await putPart(place, upload, parts.length + 1, bytes, options.signal));
  });
  try {
    await eachChunk(body, options.signal, (chunk) => collector.add(chunk));
    const rest = await collector.rest();
    if (upload === undefined) return await putBytes(place, key, rest, options);
    if (rest.length > 0) parts.push(await putPart(place, upload, parts.length + 1, rest, options.signal));
    checkSignal(options.signal);
    const bytes = parts.reduce((sum, part) => sum + part.bytes, 0);
    return { key, bytes, etag: await completeParts(place, upload, parts) };
  } catch (error) {
    await collector.settled();
    // Where this fails as well, the sweep of abandoned uploads makes up for it.
    if (upload !== undefined) await abortParts(place, upload).catch(() => {});
    throw error;
  }
}

/** Deletes the object of that whole name. Idempotent. */
export async function deleteName(
  { client, bucket }: S3Place,
  name: string,
  signal?: AbortSignal,
): Promise<void> {
  try {
    await translated(() =>
      client.send(new DeleteObjectCommand({ Bucket: bucket, Key: name }), abortWith(signal)),
    );
  } catch (error) {
    if (!isAppError(error, 'object_not_found')) throw error;
  }
}

async function deleteNames(
  { client, bucket }: S3Place,
  names: readonly string[],
  signal: AbortSignal | undefined,
): Promise<void> {
  if (names.length === 0) return;
  const input = { Bucket: bucket, Delete: { Quiet: true, Objects: names.map((Key) => ({ Key })) } };
  const { Errors } = await translated(() => client.send(new DeleteObjectsCommand(input), abortWith(signal)));
  const failed = Errors?.find(({ Code }) => Code !== 'NoSuchKey');
  if (failed === undefined) return;
  throw new AppError('object_store_failed', `the object store could not delete an object (${failed.Code})`);
}

function headersOf({ contentType, isImmutable }: PutOptions) {
  return {
    ...(contentType === undefined ? {} : { ContentType: contentType }),
    ...(isImmutable ? { CacheControl: CACHE_FOR_EVER } : {}),
  };
}
