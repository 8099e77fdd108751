/** Reads small text objects that nobody vouches for. */
import { AppError } from '../errors.ts';
import type { ObjectKey } from '../storage/object-key.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { quote } from './reference.ts';

/** A three-hour package with two-second segments in byte ranges stays below 1 MB. */
export const MAX_MANIFEST_BYTES = 8 * 1024 * 1024;

/**
 * The text of a manifest, without a byte order mark; bytes that are not UTF-8 become U+FFFD. Throws
 * `package_invalid` when it is larger than {@link MAX_MANIFEST_BYTES}, and whatever the store throws.
 */
export async function readManifestText(
  store: ObjectStore,
  key: ObjectKey,
  signal: AbortSignal,
): Promise<string> {
  const content = await store.get(key, { signal });
  if (content.info.bytes > MAX_MANIFEST_BYTES) {
    await content.body.cancel();
    throw new AppError('package_invalid', `the manifest ${quote(key)} is larger than 8 MB`);
  }
  return new TextDecoder().decode(await readAll(content.body));
}

/** All bytes of a range of an object. */
export async function readRange(
  store: ObjectStore,
  key: ObjectKey,
  range: { readonly start: number; readonly end: number },
  signal: AbortSignal,
): Promise<Uint8Array> {
  const content = await store.get(key, { range, signal });
  return readAll(content.body);
}

async function readAll(body: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  return new Response(body).bytes();
}
