/** Attribute values of an MPD (ISO/IEC 23009-1 and XML Schema part 2). */
import { AppError } from '../../errors.ts';
import { type Rational, rational } from '../../media/time.ts';
import { UNKNOWN_FRAME_RATE } from '../frame-rates.ts';
import { quote } from '../reference.ts';
import type { XmlElement } from './xml.ts';

const DURATION =
  /^P(?:(\d{1,4})Y)?(?:(\d{1,5})M)?(?:(\d{1,6})D)?(?:T(?:(\d{1,8})H)?(?:(\d{1,9})M)?(?:(\d{1,10}(?:\.\d{0,30})?)S)?)?$/;
const SECONDS_PER_UNIT = [365 * 86_400, 30 * 86_400, 86_400, 3600, 60, 1];

/** `PT1H2M3.5S` in seconds; undefined without the attribute. A year is 365 days and a month 30. */
export function durationAttribute(element: XmlElement, name: string): number | undefined {
  const text = element.attributes[name];
  if (text === undefined) return undefined;
  const parts = DURATION.exec(text.trim())?.slice(1);
  if (parts === undefined || parts.every((part) => part === undefined)) throw unreadable(element, name, text);
  return parts.reduce((sum, part, i) => sum + Number(part ?? 0) * (SECONDS_PER_UNIT[i] ?? 0), 0);
}

/** A whole number of at least 0; undefined without the attribute. */
export function integerAttribute(element: XmlElement, name: string): number | undefined {
  const text = element.attributes[name];
  if (text === undefined) return undefined;
  const value = /^\s*\+?\d{1,16}\s*$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw unreadable(element, name, text);
  return value;
}

/** `0-99`, offsets inclusive; undefined without the attribute. */
export function rangeAttribute(element: XmlElement, name: string) {
  const text = element.attributes[name];
  if (text === undefined) return undefined;
  const [, start, end] = /^\s*(\d{1,15})-(\d{1,15})\s*$/.exec(text) ?? [];
  if (start === undefined || end === undefined || Number(end) < Number(start))
    throw unreadable(element, name, text);
  return { start: Number(start), end: Number(end) };
}

/** `30000/1001` or `25` (5.3.7.2, FrameRateType). What cannot be read is unknown. */
export function frameRateValue(text: string | undefined): Rational {
  const [, num, den = '1'] = /^\s*(\d{1,9})(?:\/(\d{1,9}))?\s*$/.exec(text ?? '') ?? [];
  if (num === undefined || Number(num) === 0 || Number(den) === 0) return UNKNOWN_FRAME_RATE;
  return rational(Number(num), Number(den));
}

function unreadable(element: XmlElement, name: string, text: string): AppError {
  return new AppError(
    'package_invalid',
    `the MPD has a ${element.name} whose ${name} cannot be read: ${quote(text)}`,
  );
}
