/** Where objects are kept, as the environment says. */
import { isAbsolute, relative, sep } from 'node:path';
import { z } from 'zod';
import type { BucketSettings } from '../storage/bucket.ts';
import { parseObjectKey } from '../storage/object-key.ts';
import { FOLDER, HTTP_URL, type Read, type Setting } from './setting.ts';

/** Where objects are: below the absolute path of a folder, or in a bucket. */
export type Place =
  | { readonly kind: 'folder'; readonly path: string }
  | { readonly kind: 'bucket'; readonly settings: BucketSettings };

/** As it is written; the environment says where such a bucket is. */
export type PlaceName =
  | { readonly kind: 'folder'; readonly path: string }
  | { readonly kind: 'bucket'; readonly bucket: string; readonly prefix: string };

/** A folder or a bucket. */
export const PLACE: Setting<PlaceName> = {
  schema: z.union([
    FOLDER.schema.transform((path) => ({ kind: 'folder', path }) as const),
    z
      .string()
      .regex(/^s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](\/.*)?$/)
      .transform((text) => {
        const [bucket = '', ...rest] = text.slice('s3://'.length).replace(/\/$/, '').split('/');
        return { kind: 'bucket', bucket, prefix: rest.join('/') } as const;
      })
      .refine(({ prefix }) => prefix === '' || isObjectKey(prefix)),
  ]),
  expected: 'the path of a folder, or s3://bucket/prefix',
};

/** The names that every program for S3 knows. Of the first two, the more exact one counts. */
const AWS = {
  AWS_ENDPOINT_URL_S3: HTTP_URL,
  AWS_ENDPOINT_URL: HTTP_URL,
  AWS_REGION: { schema: z.string().regex(/^[A-Za-z0-9-]+$/), expected: 'the name of a region' },
  AWS_ACCESS_KEY_ID: { schema: z.string(), expected: 'a key', isSecret: true },
  AWS_SECRET_ACCESS_KEY: { schema: z.string(), expected: 'a key', isSecret: true },
  AWS_SESSION_TOKEN: { schema: z.string(), expected: 'a token', isSecret: true },
} satisfies Record<string, Setting<string>>;
const DEFAULT_REGION = 'us-east-1';
const ADDRESSING_MODES = ['path', 'host'] as const;

/** `path`: https://host/bucket/key, `host`: https://bucket.host/key. */
export const ADDRESSING: Setting<(typeof ADDRESSING_MODES)[number]> = {
  schema: z.enum(ADDRESSING_MODES),
  expected: `one of ${ADDRESSING_MODES.join(', ')}`,
};

/** What the environment says of buckets: the same for both. */
export function bucketOf(
  { bucket, prefix }: Extract<PlaceName, { kind: 'bucket' }>,
  read: Read,
  problems: string[],
): BucketSettings {
  const endpoint =
    read('AWS_ENDPOINT_URL_S3', AWS.AWS_ENDPOINT_URL_S3) ?? read('AWS_ENDPOINT_URL', AWS.AWS_ENDPOINT_URL);
  const accessKeyId = read('AWS_ACCESS_KEY_ID', AWS.AWS_ACCESS_KEY_ID);
  const secretAccessKey = read('AWS_SECRET_ACCESS_KEY', AWS.AWS_SECRET_ACCESS_KEY);
  const sessionToken = read('AWS_SESSION_TOKEN', AWS.AWS_SESSION_TOKEN);
  if ((accessKeyId === undefined) !== (secretAccessKey === undefined)) {
    const missing = accessKeyId === undefined ? 'AWS_ACCESS_KEY_ID' : 'AWS_SECRET_ACCESS_KEY';
    problems.push(`${missing} is not set, expected both keys or neither`);
  }
  // Other servers than Amazon's rarely have a host name for each bucket.
  const addressing = read('SLUICE_S3_ADDRESSING', ADDRESSING) ?? (endpoint === undefined ? 'host' : 'path');
  return {
    bucket,
    prefix,
    region:
      read('AWS_REGION', AWS.AWS_REGION) ?? read('AWS_DEFAULT_REGION', AWS.AWS_REGION) ?? DEFAULT_REGION,
    isPathStyle: addressing === 'path',
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(accessKeyId === undefined || secretAccessKey === undefined
      ? {}
      : {
          credentials: {
            accessKeyId,
            secretAccessKey,
            ...(sessionToken === undefined ? {} : { sessionToken }),
          },
        }),
  };
}

/** Whether `inner` lies in `outer`. */
export function isPartOf(outer: Place, inner: Place): boolean {
  if (outer.kind === 'folder') return inner.kind === 'folder' && isWithin(outer.path, inner.path);
  if (inner.kind === 'folder' || outer.settings.bucket !== inner.settings.bucket) return false;
  return outer.settings.prefix === '' || `${inner.settings.prefix}/`.startsWith(`${outer.settings.prefix}/`);
}

function isObjectKey(text: string): boolean {
  try {
    parseObjectKey(text);
    return true;
  } catch {
    return false;
  }
}

function isWithin(folder: string, path: string): boolean {
  const below = relative(folder, path);
  return below.split(sep)[0] !== '..' && !isAbsolute(below);
}
