/**
 * Which real media container bytes are, from their beginning alone. Names never count: a playlist renamed to
 * `.mp4` must not reach a demuxer that follows links. What is not on this list is not media.
 */

/** FFmpeg's names of the demuxers that may be forced: single files of samples, nothing that opens other files. */
export type ContainerName =
  | 'mov'
  | 'matroska'
  | 'mpegts'
  | 'mpeg'
  | 'avi'
  | 'wav'
  | 'flv'
  | 'asf'
  | 'ogg'
  | 'flac'
  | 'mp3'
  | 'aac'
  | 'ac3'
  | 'mxf'
  | 'gif'
  | 'apng'
  | 'webp_anim'
  | 'dv'
  | 'rm';

/** How many bytes {@link sniffContainer} wants to see; fewer where the file is shorter. */
export const SNIFF_BYTES = 4096;

/** The container that `head`, the first bytes of a file, belongs to; undefined if it is none that we know. */
export function sniffContainer(head: Uint8Array): ContainerName | undefined {
  return SNIFFERS.find(([, matches]) => matches(head))?.[0];
}

type Sniffer = readonly [ContainerName, (head: Uint8Array) => boolean];

/** Strong signatures first: MPEG audio is recognised by a dozen bits and would claim other things. */
const SNIFFERS: readonly Sniffer[] = [
  ['mov', isIsoBmff],
  ['matroska', (head) => hasBytes(head, 0, [0x1a, 0x45, 0xdf, 0xa3])], // EBML, RFC 8794 11.2.1
  ['avi', (head) => hasText(head, 0, 'RIFF') && hasText(head, 8, 'AVI')],
  ['wav', (head) => (hasText(head, 0, 'RIFF') || hasText(head, 0, 'RF64')) && hasText(head, 8, 'WAVE')],
  ['flv', (head) => hasText(head, 0, 'FLV') && (head[3] ?? 0) < 5],
  ['asf', (head) => hasBytes(head, 0, [0x30, 0x26, 0xb2, 0x75, 0x8e, 0x66, 0xcf, 0x11])],
  ['ogg', (head) => hasText(head, 0, 'OggS')], // RFC 3533 6
  ['flac', (head) => hasText(head, 0, 'fLaC')], // RFC 9639 6
  ['mxf', (head) => hasBytes(head, 0, [0x06, 0x0e, 0x2b, 0x34, 0x02, 0x05, 0x01, 0x01])], // SMPTE 377M
  ['dv', isDv],
  ['rm', (head) => hasText(head, 0, '.RMF')],
  ['gif', (head) => hasText(head, 0, 'GIF87a') || hasText(head, 0, 'GIF89a')],
  ['apng', isAnimatedPng],
  ['webp_anim', isAnimatedWebp],
  ['mpeg', (head) => hasBytes(head, 0, [0, 0, 1, 0xba]) || hasBytes(head, 0, [0, 0, 1, 0xb3])],
  ['mpegts', isTransportStream],
  ['ac3', (head) => hasBytes(head, 0, [0x0b, 0x77])],
  ['aac', isAdts],
  ['mp3', (head) => hasText(head, 0, 'ID3') || isMpegAudio(head)],
];

/** Box types that a file of samples may start with (ISO/IEC 14496-12 4.2, QuickTime). */
const FIRST_BOXES = ['ftyp', 'moov', 'mdat', 'free', 'skip', 'wide', 'styp', 'pnot', 'moof', 'uuid'];

function isIsoBmff(head: Uint8Array): boolean {
  return FIRST_BOXES.some((type) => hasText(head, 4, type));
}

/** Packets of 188 bytes (ISO/IEC 13818-1 2.4.3.2), with a 4-byte time stamp before each in M2TS. */
function isTransportStream(head: Uint8Array): boolean {
  return [
    { first: 0, step: 188 },
    { first: 4, step: 192 },
  ].some(({ first, step }) => [0, 1, 2, 3].every((packet) => head[first + packet * step] === 0x47));
}

/** IEC 61834-2: the header block of the first DIF sequence; its fourth byte says 525 or 625 lines. */
function isDv(head: Uint8Array): boolean {
  return hasBytes(head, 0, [0x1f, 0x07, 0x00]) && ((head[3] ?? 0) & 0x7f) === 0x3f;
}

/** PNG third edition 5.2 and 11.3.5: the signature, and an `acTL` chunk before the first picture. */
function isAnimatedPng(head: Uint8Array): boolean {
  if (!hasBytes(head, 0, [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])) return false;
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  for (let at = 8; at + 8 <= head.length; at += 12 + view.getUint32(at)) {
    if (hasText(head, at + 4, 'acTL')) return true;
    if (hasText(head, at + 4, 'IDAT')) return false;
  }
  return false;
}

/** RFC 9649 2.7: the extended format, with the bit that says that it moves. */
function isAnimatedWebp(head: Uint8Array): boolean {
  return hasText(head, 0, 'RIFF') && hasText(head, 8, 'WEBPVP8X') && ((head[20] ?? 0) & 0x02) !== 0;
}

/** ISO/IEC 13818-7 6.2: a syncword of twelve ones, layer 0, and the next frame where the length says. */
function isAdts(head: Uint8Array): boolean {
  if (!isAdtsSync(head, 0)) return false;
  const frameBytes = (((head[3] ?? 0) & 3) << 11) | ((head[4] ?? 0) << 3) | ((head[5] ?? 0) >> 5);
  return frameBytes >= 7 && (frameBytes + 2 > head.length || isAdtsSync(head, frameBytes));
}

function isAdtsSync(head: Uint8Array, offset: number): boolean {
  return head[offset] === 0xff && ((head[offset + 1] ?? 0) & 0xf6) === 0xf0;
}

/** ISO/IEC 11172-3 2.4.1.3: eleven ones, then no reserved version, layer, bitrate or sample rate. */
function isMpegAudio(head: Uint8Array): boolean {
  const [first = 0, second = 0, third = 0] = head;
  return (
    first === 0xff &&
    (second & 0xe0) === 0xe0 &&
    (second & 0x18) !== 0x08 &&
    (second & 0x06) !== 0 &&
    third >> 4 !== 0xf &&
    third >> 4 !== 0 &&
    (third & 0x0c) !== 0x0c
  );
}

function hasBytes(head: Uint8Array, offset: number, bytes: readonly number[]): boolean {
  return bytes.every((byte, index) => head[offset + index] === byte);
}

function hasText(head: Uint8Array, offset: number, text: string): boolean {
  return [...text].every((char, index) => head[offset + index] === char.charCodeAt(0));
}
