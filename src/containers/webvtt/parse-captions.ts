/**
 * Reads WebVTT (W3C WebVTT 4 and 6) and SubRip, which has no standard: as lenient as players are. One reader for both,
 * since files of either kind borrow from the other.
 */
import { AppError } from '../../errors.ts';
import { type Cue, MAX_CUES, mendTimes } from './cue.ts';
import { makeCue } from './make-cue.ts';
import { looksLikeTiming, parseTiming } from './timestamps.ts';

/**
 * The cues of `text`, in order, safe and with mended times. Throws `captions_not_text` (NUL characters),
 * `captions_invalid` (neither WebVTT nor SubRip, or no time that can be understood), `captions_empty` (nothing to
 * show), `captions_too_large` (more cues than any film has).
 */
export function parseCaptions(text: string): readonly Cue[] {
  if (text.includes('\0')) throw new AppError('captions_not_text', 'this is not a text: it holds NUL bytes');
  // 4.1: lines end with CR LF, LF or CR.
  const lines = text
    .replace(/^\ufeff/, '')
    .replaceAll(/\r\n?/g, '\n')
    .split('\n');
  if (lines.every((line) => line.trim() === '')) throw new AppError('captions_empty', 'the file is empty');
  const isWebvtt = /^WEBVTT(?:[ \t]|$)/.test(lines[0]!);
  const timings = lines.flatMap((line, index) => (looksLikeTiming(line) ? [index] : []));
  if (timings.length > MAX_CUES) {
    throw new AppError('captions_too_large', `the file holds more than ${MAX_CUES} captions`);
  }
  const cues = timings.flatMap((at, nth) => cueAt(lines, at, timings[nth + 1], isWebvtt) ?? []);
  const mended = mendTimes(cues);
  if (mended.length === 0) throw nothingFound(lines, timings, isWebvtt);
  return mended;
}

/** The cue whose times stand in line `at`; undefined where there is nothing to show, or no telling when. */
function cueAt(
  lines: readonly string[],
  at: number,
  nextTiming: number | undefined,
  isWebvtt: boolean,
): Cue | undefined {
  const timing = parseTiming(lines[at]!);
  if (timing === undefined) return undefined;
  const own = isWebvtt ? upToEmptyLine(lines, at + 1, nextTiming) : upToNumber(lines, at + 1, nextTiming);
  return makeCue(timing.startMs, timing.endMs, own.join('\n'), timing.rest);
}

/** WebVTT 6.2: an empty line ends a cue, and so does an arrow. What follows may be a comment or a style: not ours. */
function upToEmptyLine(lines: readonly string[], from: number, to?: number): readonly string[] {
  const own = lines.slice(from, to);
  const empty = own.indexOf('');
  return empty < 0 ? own : own.slice(0, empty);
}

/** In SubRip, empty lines are part of the text (as FFmpeg has it); the next cue's number is not. */
function upToNumber(lines: readonly string[], from: number, to?: number): readonly string[] {
  const own = lines.slice(from, to);
  if (to === undefined) return own;
  const isNumber = /^\s*\d+\s*$/.test(own.at(-1) ?? '') && (own.at(-2)?.trim() ?? '') === '';
  return isNumber ? own.slice(0, -1) : own;
}

function nothingFound(lines: readonly string[], timings: readonly number[], isWebvtt: boolean): AppError {
  const wrong = timings.find((at) => parseTiming(lines[at]!) === undefined);
  if (wrong !== undefined) {
    return new AppError(
      'captions_invalid',
      `line ${wrong + 1} should hold two times: 00:00:01.000 --> 00:00:02.000`,
    );
  }
  if (isWebvtt || timings.length > 0)
    return new AppError('captions_empty', 'the file holds no caption that could be shown');
  return new AppError('captions_invalid', 'this is neither WebVTT nor SubRip: there are no times in it');
}
