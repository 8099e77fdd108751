/** Names in a bucket. */
import { type _Object as Listed, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { isAppError } from '../errors.ts';
import { type ObjectKey, parseObjectKey } from './object-key.ts';
import type { ReadOptions } from './object-store.ts';
import type { S3Place } from './s3-client.ts';
import { translated } from './s3-errors.ts';

/** Below the prefix: what is no object of the store, such as uploads that are not finished. */
export const TEMPORARY_PREFIX = '.sluice-tmp/';

/** Whether no object of the store may have this name. */
export function isTemporary(key: string): boolean {
  return `${key}/`.startsWith(TEMPORARY_PREFIX);
}

/** An object as a listing shows it; `name` is its whole name in the bucket. */
export type ListedObject = {
  readonly name: string;
  readonly bytes: number;
  readonly modifiedAt: Date;
  readonly etag: string;
};

/** Every object whose name begins with `start`, page by page: a thousand a request. */
export async function* listPages(
  { client, bucket }: S3Place,
  start: string,
  { signal }: ReadOptions,
): AsyncGenerator<readonly ListedObject[]> {
  let token: string | undefined;
  do {
    const input = {
      Bucket: bucket,
      Prefix: start,
      // XML cannot carry every name.
      EncodingType: 'url' as const,
      ...(token === undefined ? {} : { ContinuationToken: token }),
    };
    const page = await translated(() => client.send(new ListObjectsV2Command(input), abortWith(signal)));
    const isEncoded = page.EncodingType === 'url';
    yield (page.Contents ?? []).map((object) => listed(object, isEncoded));
    token = page.IsTruncated ? page.NextContinuationToken : undefined;
  } while (token !== undefined);
}

/** What `client.send` takes to give up when `signal` fires. */
export function abortWith(signal: AbortSignal | undefined): { abortSignal?: AbortSignal } {
  return signal === undefined ? {} : { abortSignal: signal };
}

/** Some others may have put something into the bucket whose name no key of ours can be: undefined. */
export function keyOf({ prefix }: S3Place, name: string): ObjectKey | undefined {
  try {
    return parseObjectKey(name.slice(prefix.length));
  } catch (error) {
    if (isAppError(error, 'invalid_request')) return undefined;
    throw error;
  }
}

/** Without the quotes that HTTP has around it. */
export function plainEtag(etag: string | undefined): string {
  return (etag ?? '').replace(/^"|"$/g, '');
}

/** Whole seconds: the answer to a request for one object tells no more (RFC 9110 5.6.7), while a listing does. */
export function wholeSeconds(date: Date | undefined): Date {
  return new Date(Math.floor((date?.getTime() ?? 0) / 1000) * 1000);
}

function listed(object: Listed, isEncoded: boolean): ListedObject {
  const name = object.Key ?? '';
  return {
    name: isEncoded ? decodeURIComponent(name.replaceAll('+', ' ')) : name,
    bytes: object.Size ?? 0,
    modifiedAt: wholeSeconds(object.LastModified),
    etag: plainEtag(object.ETag),
  };
}
