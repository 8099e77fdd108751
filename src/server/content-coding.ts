/** Compression of text: manifests, JSON, pages. Never of media, which is compressed already. */
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';

/** Every client that knows zstd knows br, which is as good for text of this size. */
export type ContentCoding = 'br' | 'gzip';

const brotli = promisify(brotliCompress);
const deflate = promisify(gzip);

/** Below this, headers outweigh what compression saves. */
const MIN_ENCODED_BYTES = 512;

/** Text is held in memory to be compressed; a longer one than this goes out as it is. */
const MAX_ENCODED_BYTES = 16 * 1024 * 1024;

/** Whether a body of this type and size gains from compression. */
export function isCompressible(mediaType: string, bytes: number): boolean {
  const [type = ''] = mediaType.toLowerCase().split(';');
  const isText = /^text\/|[/+](json|xml|javascript)$|^application\/(vnd\.apple\.|x-)mpegurl$/.test(
    type.trim(),
  );
  return isText && bytes >= MIN_ENCODED_BYTES && bytes <= MAX_ENCODED_BYTES;
}

/** The coding that suits `Accept-Encoding` best; undefined for none. RFC 9110 12.5.3 */
export function chooseCoding(acceptEncoding: string | undefined): ContentCoding | undefined {
  if (acceptEncoding === undefined) return undefined;
  const weights = new Map(acceptEncoding.toLowerCase().split(',').map(parseWeight));
  const weightOf = (coding: ContentCoding) => weights.get(coding) ?? weights.get('*') ?? 0;
  const best = weightOf('br') >= weightOf('gzip') ? 'br' : 'gzip';
  return weightOf(best) > (weights.get('identity') ?? 0) ? best : undefined;
}

/** Compresses on the thread pool. */
export function encode(bytes: Uint8Array, coding: ContentCoding): Promise<Uint8Array> {
  // 5 of 11: within some percent of the best for manifests, at a twentieth of the time.
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: 5,
    [constants.BROTLI_PARAM_SIZE_HINT]: bytes.byteLength,
  };
  return coding === 'br' ? brotli(bytes, { params }) : deflate(bytes);
}

function parseWeight(item: string): [coding: string, weight: number] {
  const [coding = '', ...parameters] = item.split(';').map((part) => part.trim());
  const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
  return [coding, weight === undefined ? 1 : Number(weight) || 0];
}
