/** Every kind of file that there is a case for. */
import type { MediaCase } from './media-case.ts';
import { CODEC_CASES } from './codec-cases.ts';
import { COLOR_CASES } from './color-cases.ts';
import { CONTAINER_CASES } from './container-cases.ts';
import { DAMAGE_CASES } from './damage-cases.ts';
import { SCAN_CASES } from './scan-cases.ts';
import { SHAPE_CASES } from './shape-cases.ts';
import { SOUND_CASES } from './sound-cases.ts';
import { TIMING_CASES } from './timing-cases.ts';

/** All of docs/media-cases.md. */
export const CASES: readonly MediaCase[] = [
  ...SHAPE_CASES,
  ...TIMING_CASES,
  ...CODEC_CASES,
  ...CONTAINER_CASES,
  ...COLOR_CASES,
  ...SCAN_CASES,
  ...DAMAGE_CASES,
  ...SOUND_CASES,
];
/** What a decoder of FFmpeg does alone, beside cases of the same container: with the others in `npm run media-cases`. */
export const RARE: ReadonlySet<string> = new Set([
  'MPEG-1',
  'a keyframe a minute',
  'DNxHR',
  'FFV1',
  'Theora',
  'Windows Media Video 2',
  'H.263',
  'Sorenson H.263',
  'RealVideo',
  'PNG',
  'raw pictures',
  'animated PNG',
  'MXF',
  'TrueHD',
  'DTS',
  'ADPCM',
  'Windows Media Audio',
  'PCM of 24 bits',
  'PCM of floats',
  '22050 samples a second',
  '192000 samples a second',
  'interlaced DV',
  'interlaced ProRes',
  'transparent ProRes',
  '12 bits',
]);
