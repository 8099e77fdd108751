/** The text of the filters between decoder and encoder, for frames of one shape. */
import { AV_PIX_FMT_YUV420P, AVCOL_SPC_UNSPECIFIED, type AVPixelFormat } from 'node-av/constants';
import { avGetPixFmtName, type Frame } from 'node-av/lib';
import type { SourceVideo } from '../../media/source.ts';
import { colorCodes, isRgb } from './color.ts';
import { outputColor } from './output-color.ts';
import { type Conversion, conversionOf, TABLE_SIDE } from './tone-map.ts';

/** In pixels. */
export type PictureSize = { readonly width: number; readonly height: number };

/** `video`: as segments have it, limited range. `jpeg`: as JFIF has it, full range and the matrix of BT.601. */
export type PictureColors = 'video' | 'jpeg';

/** The parts of the graph that frames go in and come out by. The table is there only where colours are converted. */
export const NODES = { input: 'buffer@frames', table: 'buffer@table', output: 'buffersink@out' } as const;

/** Colours are converted in this format; the table is of it too. */
export const TABLE_FORMAT = 'gbrpf32le';
/** ISO/IEC 23091-2 8.3: BT.2020 with non-constant luminance. */
const BT2020 = 9;
const YUV420P = avGetPixFmtName(AV_PIX_FMT_YUV420P);

/** Everything that frames of another shape need another graph for. */
export function shapeOf({ width, height, format, colorRange, colorSpace }: Frame): string {
  return [width, height, format, colorRange, colorSpace].join(':');
}

/** One output for each size, in their order. */
export function describeGraph(
  frame: Frame,
  source: SourceVideo,
  sizes: readonly PictureSize[],
  colors: PictureColors,
): string {
  const conversion = conversionOf(source.color);
  // Every frame is handled by itself, so times do not matter here.
  const input =
    `${NODES.input}=video_size=${frame.width}x${frame.height}:pix_fmt=${formatOf(frame)}:time_base=1/1:pixel_aspect=1/1` +
    `:colorspace=${matrixOf(frame, source, colors, conversion)}:range=${frame.colorRange}`;
  const isStillOfFields = colors === 'jpeg' && source.isInterlaced;
  const whole = isStillOfFields ? ['field=top'] : [];
  const upright = [input, ...whole, ...opaqueFilters(frame), ...orientationFilters(source)].join(',');
  const output = outputOptions(frame, source, colors, conversion);
  const branches = sizes.map((size, index) => {
    const scale = `[s${index}]scale=${placed(size, frame, source)}:flags=bicubic`;
    const end = `format=${YUV420P}${padding(size, frame, source)},setsar=1,${NODES.output}${index}`;
    return conversion === undefined
      ? `${scale}:${output},${end}`
      : `${scale}:out_range=full,format=${TABLE_FORMAT}[c${index}];` +
          `[c${index}][t${index}]haldclut=interp=tetrahedral,scale=${output},${end}`;
  });
  const table =
    `${NODES.table}=video_size=${TABLE_SIDE}x${TABLE_SIDE}:pix_fmt=${TABLE_FORMAT}:time_base=1/1:colorspace=0:range=2` +
    `,${split('t', sizes.length)}`;
  return [
    `${upright},${split('s', sizes.length)}`,
    ...(conversion === undefined ? [] : [table]),
    ...branches,
  ].join(';');
}

function split(label: string, count: number): string {
  return `split=${count}${Array.from({ length: count }, (_, index) => `[${label}${index}]`).join('')}`;
}

function formatOf(frame: Frame): string {
  return avGetPixFmtName(frame.format as AVPixelFormat) ?? 'unknown';
}

/** Untagged YUV must be known where its matrix is left: segments else keep it, and say which it is. */
function matrixOf(
  frame: Frame,
  source: SourceVideo,
  colors: PictureColors,
  conversion: Conversion | undefined,
): number {
  if (frame.colorSpace !== AVCOL_SPC_UNSPECIFIED || isRgb(formatOf(frame))) return frame.colorSpace;
  if (conversion !== undefined) return BT2020;
  const isKept = colors === 'video' && !hasAlpha(formatOf(frame));
  return isKept ? frame.colorSpace : colorCodes(outputColor(source)).matrix;
}

/** What the last scaler is told. YUV keeps its matrix; what is RGB on the way gets the one that it is tagged with. */
function outputOptions(
  frame: Frame,
  source: SourceVideo,
  colors: PictureColors,
  conversion: Conversion | undefined,
): string {
  if (colors === 'jpeg') return 'out_range=full:out_color_matrix=bt601';
  const isRgbOnTheWay = conversion !== undefined || isRgb(formatOf(frame)) || hasAlpha(formatOf(frame));
  const { matrix } = colorCodes(outputColor(source));
  return `out_range=limited${isRgbOnTheWay ? `:out_color_matrix=${matrix}` : ''}`;
}

/** What is transparent shows black behind it, as players do. */
function opaqueFilters(frame: Frame): readonly string[] {
  const name = formatOf(frame);
  if (!hasAlpha(name)) return [];
  const isDeep = /1[0246](le|be)|64|f32/.test(name);
  return [`format=${isDeep ? 'gbrap12le' : 'gbrap'}`, 'premultiply=inplace=1'];
}

function hasAlpha(pixelFormat: string): boolean {
  return /^(rgba|argb|bgra|abgr|gbrap|yuva|ya\d|pal8)/.test(pixelFormat);
}

function orientationFilters({ rotationDegrees, isMirrored }: SourceVideo): readonly string[] {
  const turn = { 0: [], 90: ['transpose=clock'], 180: ['hflip', 'vflip'], 270: ['transpose=cclock'] };
  return [...(isMirrored ? ['hflip'] : []), ...turn[rotationDegrees]];
}

/** How far shapes may differ and still fill the picture: sizes are rounded. */
const SHAPE_TOLERANCE = 0.03;

/** The size within `size` that keeps the shape of a frame: sources may change it in the middle. */
function fitted(size: PictureSize, frame: Frame, source: SourceVideo): PictureSize {
  if (frame.width === source.codedWidth && frame.height === source.codedHeight) return size;
  const { num, den } = frame.sampleAspectRatio;
  const { sampleAspectRatio } = source;
  const pixels = num > 0 && den > 0 ? num / den : sampleAspectRatio.num / sampleAspectRatio.den;
  const shape = (frame.width * pixels) / frame.height;
  const isTurned = source.rotationDegrees === 90 || source.rotationDegrees === 270;
  const relative = (isTurned ? 1 / shape : shape) / (size.width / size.height);
  if (Math.abs(relative - 1) < SHAPE_TOLERANCE) return size;
  return relative > 1
    ? { width: size.width, height: evenSide(size.height / relative) }
    : { width: evenSide(size.width * relative), height: size.height };
}

function placed(size: PictureSize, frame: Frame, source: SourceVideo): string {
  const { width, height } = fitted(size, frame, source);
  return `${width}:${height}`;
}

/** Black beside a picture of another shape. */
function padding(size: PictureSize, frame: Frame, source: SourceVideo): string {
  const { width, height } = fitted(size, frame, source);
  if (width === size.width && height === size.height) return '';
  const [left, top] = [evenSide((size.width - width) / 2, 0), evenSide((size.height - height) / 2, 0)];
  return `,pad=${size.width}:${size.height}:${left}:${top}`;
}

function evenSide(side: number, least = 2): number {
  return Math.max(least, 2 * Math.round(side / 2));
}
