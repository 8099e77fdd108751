/** Times as WebVTT (4.5) and SubRip write them, and as people and programs get them slightly wrong. */

/** Hours may be missing, and stand before any number of digits; the fraction follows a dot, a comma or a colon. */
const TIMESTAMP = /^(-?)(?:(\d{1,9}):)?(\d{1,3}):(\d{1,3})(?:[.,](\d{1,9}))?$/;
const WITH_COLON = /^(-?)(\d{1,9}):(\d{1,3}):(\d{1,3}):(\d{1,9})$/;

const TIMING = /^\s*(-?\d[\d:.,]*)\s*--?>\s*(-?\d[\d:.,]*)(?:\s+(.*))?$/;

/** The times of a cue and whatever follows them on their line. */
export type Timing = { readonly startMs: number; readonly endMs: number; readonly rest: string };

/** Whether a line stands where times should, right or wrong. */
export function looksLikeTiming(line: string): boolean {
  return line.includes('-->') || TIMING.test(line);
}

/** `00:00:01.000 --> 00:00:02.500 align:start`; undefined where the times cannot be understood. */
export function parseTiming(line: string): Timing | undefined {
  const [, start = '', end = '', rest = ''] = TIMING.exec(line) ?? [];
  const startMs = parseTimestamp(start);
  const endMs = parseTimestamp(end);
  return startMs === undefined || endMs === undefined ? undefined : { startMs, endMs, rest };
}

/** Milliseconds; undefined where `text` is no time. */
export function parseTimestamp(text: string): number | undefined {
  const match = TIMESTAMP.exec(text) ?? WITH_COLON.exec(text);
  if (match === null) return undefined;
  const [, sign, hours = '0', minutes, seconds, fraction = '0'] = match;
  const wholeSeconds = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
  const milliseconds = wholeSeconds * 1000 + Math.round(Number(`0.${fraction}`) * 1000);
  return sign === '-' && milliseconds > 0 ? -milliseconds : milliseconds;
}

/** WebVTT 4.5: hours of at least two digits, and always there, since some parsers want them. */
export function formatTimestamp(milliseconds: number): string {
  const whole = Math.floor(milliseconds / 1000);
  const fraction = String(Math.round(milliseconds % 1000)).padStart(3, '0');
  return `${two(Math.floor(whole / 3600))}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}.${fraction}`;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}
