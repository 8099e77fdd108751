/** Addresses of objects that carry a signature: whoever has one may read that object, for a while. */
import { GetObjectCommand } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import type { ReadUrls } from './read-urls.ts';
import type { S3Place } from './s3-client.ts';
import { translated } from './s3-errors.ts';

/** An address is the same for so long, so that caches know it again. */
const SAME_SECONDS = 15 * 60;
const EXPIRES_SECONDS = 60 * 60;
/** Credentials of a role may run out sooner than what is signed with them; the SDK renews them five minutes before. */
const VALID_SECONDS = 4 * 60;

/** `now` in milliseconds since 1970. Throws `object_store_failed` where there are no credentials. */
export async function presignedUrls(
  { client, bucket, prefix }: S3Place,
  now: () => number,
): Promise<ReadUrls> {
  // By the server's clock, which the client has learned from its answers.
  const signingDate = (): Date => {
    const seconds = (now() + client.config.systemClockOffset) / 1000;
    return new Date(Math.floor(seconds / SAME_SECONDS) * SAME_SECONDS * 1000);
  };
  const sign = (name: string): Promise<string> =>
    translated(() =>
      getSignedUrl(client, new GetObjectCommand({ Bucket: bucket, Key: name }), {
        expiresIn: EXPIRES_SECONDS,
        signingDate: signingDate(),
      }),
    );
  return {
    origin: new URL(await sign('any')).origin,
    validForSeconds: VALID_SECONDS,
    urlOf: (key) => sign(prefix + key),
  };
}
