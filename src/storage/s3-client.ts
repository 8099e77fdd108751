/** The connection to a bucket, on Amazon's S3 or on anything that speaks it. */
import { createHash } from 'node:crypto';
import { ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { AppError } from '../errors.ts';
import type { BucketSettings } from './bucket.ts';
import { NOT_S3, s3Error } from './s3-errors.ts';

/** A part of a bucket, as the adapters of this folder use it. */
export type S3Place = { readonly client: S3Client; readonly bucket: string; readonly prefix: string };

/** In all: about two seconds of trying again, with growing and random pauses. */
const ATTEMPTS = 5;
const CONNECT_MS = 5000;
/** Without a byte in either direction. */
const SILENCE_MS = 20_000;
/** A viewer with a slow line holds one for a while. */
const MAX_SOCKETS = 2000;

/** Opens no connection yet. */
export function s3Place(settings: BucketSettings): S3Place & Disposable {
  const agent = { keepAlive: true, maxSockets: MAX_SOCKETS };
  const client = new S3Client({
    region: settings.region,
    forcePathStyle: settings.isPathStyle,
    maxAttempts: ATTEMPTS,
    retryMode: 'standard',
    // Most providers know none of the newer checksums.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    followRegionRedirects: true,
    requestHandler: {
      connectionTimeout: CONNECT_MS,
      socketTimeout: SILENCE_MS,
      httpAgent: agent,
      httpsAgent: agent,
    },
    ...(settings.endpoint === undefined ? {} : { endpoint: settings.endpoint }),
    ...(settings.credentials === undefined ? {} : { credentials: settings.credentials }),
  });
  signDeletesWithMd5(client);
  tryAgainAfterConflicts(client);
  return {
    client,
    bucket: settings.bucket,
    prefix: settings.prefix === '' ? '' : `${settings.prefix}/`,
    [Symbol.dispose]: () => client.destroy(),
  };
}

/**
 * To be called once at the start: whether the bucket is there and lets us in. Throws `object_store_failed` with a
 * sentence that says what to mend.
 */
export async function checkBucket({ client, bucket, prefix }: S3Place): Promise<void> {
  try {
    const input = { Bucket: bucket, Prefix: prefix, MaxKeys: 1 };
    const { Name } = await client.send(new ListObjectsV2Command(input));
    // A web server's page is an empty answer to the SDK.
    if (Name === undefined) throw new AppError('object_store_failed', `the object store ${NOT_S3}`);
  } catch (error) {
    const { message } = s3Error(error);
    throw new AppError('object_store_failed', `cannot use the bucket ${bucket}: ${message}`, {
      cause: error,
    });
  }
}

/** "Somebody else is at it": Amazon's word (S3 API, error responses), and that of gateways to a file system. */
const CONFLICTS = new Set(['OperationAborted', 'ExistingObjectIsDirectory']);

function tryAgainAfterConflicts(client: S3Client): void {
  client.middlewareStack.add(
    (next) => async (args) => {
      try {
        return await next(args);
      } catch (error) {
        const isConflict = error instanceof Error && CONFLICTS.has(error.name);
        throw isConflict ? Object.assign(error, { $retryable: { throttling: false } }) : error;
      }
    },
    { step: 'deserialize', priority: 'high', name: 'tryAgainAfterConflicts' },
  );
}

/**
 * Deleting many objects needs a checksum of the list. The SDK's is CRC32; MD5 is what every provider knows, Amazon
 * included.
 */
function signDeletesWithMd5(client: S3Client): void {
  client.middlewareStack.add(
    (next, context) => async (args) => {
      const request = args.request as { headers?: Record<string, string>; body?: string | Uint8Array };
      if (context.commandName === 'DeleteObjectsCommand' && request.headers && request.body !== undefined) {
        for (const name of Object.keys(request.headers)) {
          if (/^x-amz-(sdk-)?checksum-/i.test(name)) delete request.headers[name];
        }
        request.headers['content-md5'] = createHash('md5').update(request.body).digest('base64');
      }
      return next(args);
    },
    { step: 'build', priority: 'low', name: 'deletesWithMd5' },
  );
}
