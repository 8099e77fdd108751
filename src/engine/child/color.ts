/** Colour tags between FFmpeg's numbers and names. The numbers are those of ISO/IEC 23091-2. */
import { AV_CODEC_ID_DVVIDEO, AVCOL_RANGE_JPEG, AVCOL_RANGE_MPEG } from 'node-av/constants';
import type { CodecParameters } from 'node-av/lib';
import type { SourceColor } from '../../media/source.ts';

/** The code points that occur in real footage, by FFmpeg's names. ISO/IEC 23091-2 8.1 to 8.3. */
const PRIMARIES = [
  '',
  'bt709',
  'unknown',
  '',
  'bt470m',
  'bt470bg',
  'smpte170m',
  'smpte240m',
  'film',
  'bt2020',
  'smpte428',
  'smpte431',
  'smpte432',
];
const TRANSFER = [
  '',
  'bt709',
  'unknown',
  '',
  'gamma22',
  'gamma28',
  'smpte170m',
  'smpte240m',
  'linear',
  'log',
  'log316',
  'iec61966-2-4',
  'bt1361e',
  'iec61966-2-1',
  'bt2020-10',
  'bt2020-12',
  'smpte2084',
  'smpte428',
  'arib-std-b67',
];
const MATRIX = [
  'gbr',
  'bt709',
  'unknown',
  '',
  'fcc',
  'bt470bg',
  'smpte170m',
  'smpte240m',
  'ycgco',
  'bt2020nc',
  'bt2020c',
  'smpte2085',
  'chroma-derived-nc',
  'chroma-derived-c',
  'ictcp',
];
const UNKNOWN = 2;

/** FFmpeg's AVFieldOrder: 0 unknown, 1 progressive, 2 to 5 the interlaced kinds. */
const PROGRESSIVE = 1;

/** Code points of ISO/IEC 23091-2. */
export type ColorCodes = { readonly primaries: number; readonly transfer: number; readonly matrix: number };

/** What the source says of its colours. */
export function colorOf(parameters: CodecParameters): SourceColor {
  const { colorRange } = parameters;
  return {
    range: colorRange === AVCOL_RANGE_JPEG ? 'full' : colorRange === AVCOL_RANGE_MPEG ? 'limited' : 'unknown',
    primaries: PRIMARIES[parameters.colorPrimaries] || 'unknown',
    transfer: TRANSFER[parameters.colorTrc] || 'unknown',
    matrix: MATRIX[parameters.colorSpace] || 'unknown',
  };
}

/** The code points to write into what is encoded from a source of these colours. */
export function colorCodes(color: SourceColor): ColorCodes {
  return {
    primaries: codeOf(PRIMARIES, color.primaries),
    transfer: codeOf(TRANSFER, color.transfer),
    matrix: codeOf(MATRIX, color.matrix),
  };
}

/** Whether the container or the parameter sets say that frames are made of two fields; of DV that goes without saying. */
export function isInterlaced(parameters: CodecParameters): boolean {
  const fieldOrder = Number((parameters.toJSON() as { fieldOrder?: number }).fieldOrder ?? 0);
  return fieldOrder > PROGRESSIVE || (fieldOrder < PROGRESSIVE && parameters.codecId === AV_CODEC_ID_DVVIDEO);
}

/** Whether FFmpeg's name of a pixel format is one of red, green and blue. */
export function isRgb(pixelFormat: string): boolean {
  return /rgb|bgr|gbr|pal8/.test(pixelFormat);
}

function codeOf(names: readonly string[], name: string): number {
  const code = names.indexOf(name);
  return code < 0 ? UNKNOWN : code;
}
