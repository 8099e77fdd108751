/** Reading objects of a bucket. */
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { GetObjectCommand, HeadObjectCommand } from '@aws-sdk/client-s3';
import { AppError, isAppError } from '../errors.ts';
import type { ByteRange } from '../media/byte-range.ts';
import { checkSignal } from './abort.ts';
import type { ObjectKey } from './object-key.ts';
import type { GetOptions, ObjectContent, ObjectInfo, ReadOptions } from './object-store.ts';
import { resolveRange } from './range.ts';
import type { S3Place } from './s3-client.ts';
import { s3Error, translated } from './s3-errors.ts';
import { abortWith, isTemporary, keyOf, listPages, plainEtag, wholeSeconds } from './s3-keys.ts';

/** A body that breaks off is read on from where it stood; so often in a row without a byte is too often. */
const RESUMES = 4;
const RESUME_DELAY_MS = 100;

type Opened = {
  readonly info: ObjectInfo;
  readonly range: ObjectContent['range'];
  readonly body: Readable;
};

/** `ObjectStore.get`. */
export async function getObject(
  place: S3Place,
  key: ObjectKey,
  { range, signal }: GetOptions = {},
): Promise<ObjectContent> {
  checkSignal(signal);
  if (range?.end !== undefined && range.end < range.start) {
    throw new AppError('range_not_satisfiable', 'the range ends before it starts');
  }
  const opened = await open(place, key, range, undefined, signal);
  return { info: opened.info, range: opened.range, body: resumedBody(place, key, opened, signal) };
}

/** `ObjectStore.head`. */
export async function headObject(
  place: S3Place,
  key: ObjectKey,
  { signal }: ReadOptions = {},
): Promise<ObjectInfo> {
  checkSignal(signal);
  const { client, bucket, prefix } = place;
  if (isTemporary(key)) throw new AppError('object_not_found', 'there is no such object');
  const answer = await translated(() =>
    client.send(new HeadObjectCommand({ Bucket: bucket, Key: prefix + key }), abortWith(signal)),
  );
  return {
    key,
    bytes: answer.ContentLength ?? 0,
    modifiedAt: wholeSeconds(answer.LastModified),
    etag: plainEtag(answer.ETag),
  };
}

/** `ObjectStore.list`. */
export async function* listObjects(
  place: S3Place,
  prefix: ObjectKey | '',
  options: ReadOptions = {},
): AsyncGenerator<ObjectInfo> {
  checkSignal(options.signal);
  const start = place.prefix + (prefix === '' ? '' : `${prefix}/`);
  for await (const page of listPages(place, start, options)) {
    for (const { name, bytes, modifiedAt, etag } of page) {
      const key = keyOf(place, name);
      if (key !== undefined && !isTemporary(key)) yield { key, bytes, modifiedAt, etag };
    }
  }
}

/** With `etag`, only the object that it names. */
async function open(
  { client, bucket, prefix }: S3Place,
  key: ObjectKey,
  range: ByteRange | undefined,
  etag: string | undefined,
  signal: AbortSignal | undefined,
): Promise<Opened> {
  if (isTemporary(key)) throw new AppError('object_not_found', 'there is no such object');
  const input = {
    Bucket: bucket,
    Key: prefix + key,
    ...(range === undefined ? {} : { Range: `bytes=${range.start}-${range.end ?? ''}` }),
    ...(etag === undefined ? {} : { IfMatch: `"${etag}"` }),
  };
  const answer = await translated(() => client.send(new GetObjectCommand(input), abortWith(signal)));
  const body = answer.Body as Readable;
  try {
    // RFC 9110 14.4: `bytes 5-9/1000`; without it, the whole object came.
    const total = /\/(\d+)$/.exec(answer.ContentRange ?? '')?.[1];
    const bytes = total === undefined ? (answer.ContentLength ?? 0) : Number(total);
    const resolved = resolveRange(range, bytes);
    const expected = resolved.end - resolved.start + 1;
    if (answer.ContentLength !== undefined && answer.ContentLength !== expected) {
      throw new AppError('object_store_failed', 'the object store does not keep to ranges');
    }
    const modifiedAt = wholeSeconds(answer.LastModified);
    return { info: { key, bytes, modifiedAt, etag: plainEtag(answer.ETag) }, range: resolved, body };
  } catch (error) {
    discard(body);
    throw error;
  }
}

/** The bytes of `opened`, in one piece for the reader, however often the connection breaks. */
function resumedBody(
  place: S3Place,
  key: ObjectKey,
  opened: Opened,
  signal: AbortSignal | undefined,
): ReadableStream<Uint8Array> {
  const { info, range } = opened;
  let position = range.start;
  let body = opened.body;
  let chunks = iterate(body);
  let failures = 0;
  const giveUp = (): void => discard(body);
  signal?.addEventListener('abort', giveUp, { once: true });
  const forget = (): void => signal?.removeEventListener('abort', giveUp);

  const resume = async (): Promise<void> => {
    await sleep(RESUME_DELAY_MS * 2 ** failures * Math.random());
    const again = await open(place, key, { start: position, end: range.end }, info.etag, signal);
    body = again.body;
    chunks = iterate(body);
  };
  const next = async (): Promise<Uint8Array | undefined> => {
    for (;;) {
      checkSignal(signal);
      try {
        const { done, value } = await chunks.next();
        if (!done) {
          failures = 0;
          position += value.length;
          return value;
        }
        if (position === range.end + 1) return undefined;
        throw new AppError('object_store_failed', 'the object store broke the connection off');
      } catch (error) {
        checkSignal(signal);
        if (failures++ === RESUMES) throw s3Error(error);
        await resume();
      }
    }
  };

  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const chunk = await next();
          if (chunk !== undefined) return controller.enqueue(chunk);
          forget();
          controller.close();
        } catch (error) {
          forget();
          discard(body);
          controller.error(isAppError(error) ? error : s3Error(error));
        }
      },
      cancel() {
        forget();
        discard(body);
      },
    },
    { highWaterMark: 0 },
  );
}

function iterate(body: Readable): AsyncIterator<Uint8Array> {
  return body.iterator({ destroyOnReturn: true }) as AsyncIterator<Uint8Array>;
}

/** Ends the transfer; what that breaks is nobody's concern any more. */
function discard(body: Readable): void {
  body.on('error', () => {});
  body.destroy();
}
