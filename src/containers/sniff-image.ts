/** What kind of still picture some bytes are. */

/** Kinds that are taken, by the names of their decoders in FFmpeg. */
export type ImageKind = 'mjpeg' | 'png' | 'webp';

const PNG_SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const JPEG_START = [0xff, 0xd8, 0xff];

/** Undefined for what is none of them. */
export function sniffImage(bytes: Uint8Array): ImageKind | undefined {
  if (startsWith(bytes, 0, JPEG_START)) return 'mjpeg';
  if (startsWith(bytes, 0, PNG_SIGNATURE)) return 'png';
  // RIFF, a size, WEBP.
  const isWebp = startsWith(bytes, 0, ascii('RIFF')) && startsWith(bytes, 8, ascii('WEBP'));
  return isWebp ? 'webp' : undefined;
}

function startsWith(bytes: Uint8Array, offset: number, wanted: readonly number[]): boolean {
  return wanted.every((byte, index) => bytes[offset + index] === byte);
}

function ascii(text: string): readonly number[] {
  return [...text].map((character) => character.charCodeAt(0));
}
