/** Frame rates as manifests write them, and as counting finds them. */
import { type Rational, rational, toNumber } from '../media/time.ts';

/** What a track says whose rate nobody knows. */
export const UNKNOWN_FRAME_RATE: Rational = { num: 0, den: 1 };

const NTSC_RATES = [24_000, 30_000, 48_000, 60_000, 120_000].map((num) => ({ num, den: 1001 }));

/** `29.97` as 30000/1001, `25` as 25/1, `12.5` as 25/2: the rate that a decimal number was rounded from. */
export function frameRateFromDecimal(framesPerSecond: number): Rational {
  if (!(framesPerSecond > 0 && framesPerSecond <= 1000)) return UNKNOWN_FRAME_RATE;
  const thousandths = Math.round(framesPerSecond * 1000);
  const ntsc = NTSC_RATES.find((rate) => Math.abs(toNumber(rate) - framesPerSecond) < 0.006);
  return thousandths % 1000 === 0 || ntsc === undefined ? rational(thousandths, 1000) : ntsc;
}

/** The likely rate of a stretch with so many frames: the nearest usual one, if one is near. */
export function frameRateFromCount(frames: number, seconds: number): Rational {
  if (frames < 2 || seconds <= 0) return UNKNOWN_FRAME_RATE;
  const measured = frames / seconds;
  // The stretch may be cut up to half a frame off.
  const tolerance = Math.max(0.01, (0.5 / frames) * measured);
  const whole = [24, 25, 30, 48, 50, 60, 100, 120, 10, 12, 15, 20].map((num) => ({ num, den: 1 }));
  const distance = (rate: Rational): number => Math.abs(toNumber(rate) - measured);
  const nearest = [...whole, ...NTSC_RATES].sort((a, b) => distance(a) - distance(b))[0];
  return nearest !== undefined && distance(nearest) <= tolerance ? nearest : frameRateFromDecimal(measured);
}
