/**
 * What a bucket knows of an object that arrives in pieces. Below `.sluice-tmp/partial/{name}/` lies `upload`, which says
 * what it becomes, and a `tail-{offset}-{bytes}` with what is too little for a part. The parts the bucket lists itself.
 *
 * A crash at any point leaves either the tail from before, or parts that hold it: a tail counts only while its offset is
 * the end of the parts. Of several, which only two servers at the same upload can leave, the longest counts.
 */
import { GetObjectCommand, ListPartsCommand } from '@aws-sdk/client-s3';
import { z } from 'zod';
import { AppError } from '../errors.ts';
import type { S3Place } from './s3-client.ts';
import { translated } from './s3-errors.ts';
import { type ListedObject, listPages, TEMPORARY_PREFIX } from './s3-keys.ts';
import type { MultipartUpload, StoredPart } from './s3-write.ts';

/** Below the prefix of the place. */
export const PARTIAL_PREFIX = `${TEMPORARY_PREFIX}partial/`;

/** The object `upload` of a partial object. Written once. */
const Upload = z.object({ key: z.string(), uploadId: z.string(), partBytes: z.int().positive() });
/** The same, read. */
export type PartialUpload = z.infer<typeof Upload>;

/** What is there of a partial object. */
export type PartialState = {
  readonly upload: PartialUpload;
  readonly parts: readonly StoredPart[];
  /** In the parts. */
  readonly partsBytes: number;
  /** The object that holds what follows them. */
  readonly tail: ListedObject | undefined;
  readonly size: number;
  readonly modifiedAt: Date;
};

/** Throws `object_not_found`. */
export async function stateOf(place: S3Place, folder: string): Promise<PartialState> {
  const upload = await uploadOf(place, folder);
  const { parts, modifiedAt } = await partsOf(place, {
    name: place.prefix + upload.key,
    uploadId: upload.uploadId,
  });
  const partsBytes = parts.reduce((sum, part) => sum + part.bytes, 0);
  const entries = await entriesOf(place, folder);
  const tail = longest(entries.filter(({ name, bytes }) => name.endsWith(`/${tailName(partsBytes, bytes)}`)));
  return {
    upload,
    parts,
    partsBytes,
    tail,
    size: partsBytes + (tail?.bytes ?? 0),
    modifiedAt: new Date(Math.max(modifiedAt, ...entries.map((entry) => entry.modifiedAt.getTime()))),
  };
}

/** Its first note. Throws `object_not_found`. */
export async function uploadOf(place: S3Place, folder: string): Promise<PartialUpload> {
  const text = new TextDecoder().decode(await contentOf(place, `${place.prefix}${folder}upload`));
  return Upload.parse(JSON.parse(text));
}

/** In their order; `modifiedAt` of the newest, in milliseconds since 1970. */
async function partsOf(
  { client, bucket }: S3Place,
  { name, uploadId }: MultipartUpload,
): Promise<{ readonly parts: readonly StoredPart[]; readonly modifiedAt: number }> {
  const parts: StoredPart[] = [];
  let modifiedAt = 0;
  let marker: string | undefined;
  do {
    const input = {
      Bucket: bucket,
      Key: name,
      UploadId: uploadId,
      ...(marker === undefined ? {} : { PartNumberMarker: marker }),
    };
    const page = await translated(() => client.send(new ListPartsCommand(input)));
    for (const { PartNumber, ETag, Size, LastModified } of page.Parts ?? []) {
      parts.push({ number: PartNumber ?? 0, etag: ETag ?? '', bytes: Size ?? 0 });
      modifiedAt = Math.max(modifiedAt, LastModified?.getTime() ?? 0);
    }
    marker = page.IsTruncated ? page.NextPartNumberMarker : undefined;
  } while (marker !== undefined);
  return { parts, modifiedAt };
}

/** What lies in the folder of a partial object. */
export async function entriesOf(place: S3Place, folder: string): Promise<readonly ListedObject[]> {
  return (await Array.fromAsync(listPages(place, place.prefix + folder, {}))).flat();
}

function longest(objects: readonly ListedObject[]): ListedObject | undefined {
  return objects.toSorted((a, b) => b.bytes - a.bytes)[0];
}

/** A small object of ours, by its whole name in the bucket. */
export async function contentOf({ client, bucket }: S3Place, name: string): Promise<Uint8Array> {
  return translated(async () => {
    const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: name }));
    return (await Body?.transformToByteArray()) ?? new Uint8Array(0);
  });
}

/** Where the notes of a partial object lie, below the prefix of the place. */
export function folderOf(name: string): string {
  if (!/^[0-9a-f]+$/.test(name)) throw new AppError('invalid_request', 'not a name of a partial object');
  return `${PARTIAL_PREFIX}${name}/`;
}

/** Of the object that holds `bytes` bytes which follow the parts. */
export function tailName(offset: number, bytes: number): string {
  return `tail-${offset}-${bytes}`;
}
