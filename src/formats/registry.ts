/** Every streaming format there is. A new one is a folder here and a line below. */
import { dash } from './dash/dash.ts';
import type { Format } from './format.ts';
import { hls } from './hls/hls.ts';
import { hlsTs } from './hls-ts/hls-ts.ts';
import { mp4 } from './mp4/mp4.ts';

export const FORMATS: readonly Format[] = [hls, dash, hlsTs, mp4];
