/** The texts of a package as one WebVTT each, on the timeline of what is rewrapped. */
import PQueue from 'p-queue';
import { parseInitSegment } from '../containers/isobmff/parse-init-segment.ts';
import { parseMediaSegment } from '../containers/isobmff/parse-media-segment.ts';
import { CLOCK_HZ, CLOCK_WRAP } from '../containers/mpegts/packet.ts';
import { type Cue, MAX_CUES } from '../containers/webvtt/cue.ts';
import { joinCues } from '../containers/webvtt/join-cues.ts';
import { parseCaptions } from '../containers/webvtt/parse-captions.ts';
import { sampleCues } from '../containers/webvtt/sample-cues.ts';
import { parseTimestamp } from '../containers/webvtt/timestamps.ts';
import { writeWebvtt } from '../containers/webvtt/write-webvtt.ts';
import { AppError, isAppError } from '../errors.ts';
import type { PackagedBytes, PackagedCaption, PackageInfo } from '../media/package.ts';
import { type PackagePlace, readPackaged } from './packaged-bytes.ts';
import { unwrappedTicks } from './samples/clock.ts';

const CONCURRENT_READS = 8;
/** Hours of dense text are some hundred kilobytes; each segment repeats its header. */
const MAX_TEXT_BYTES = 20_000_000;

/** A text of `info` as it is stored: read leniently, safe to show. Throws `source_damaged`, and what the store throws. */
export async function packagedCaptionText(
  place: PackagePlace,
  info: PackageInfo,
  caption: PackagedCaption,
): Promise<string> {
  const init = caption.init === undefined ? undefined : await readPackaged(place, caption.init);
  const queue = new PQueue({ concurrency: CONCURRENT_READS });
  let bytesLeft = MAX_TEXT_BYTES;
  const read = async (part: PackagedBytes): Promise<readonly Cue[]> => {
    if (bytesLeft < 0) return [];
    const bytes = await readPackaged(place, part);
    bytesLeft -= bytes.length;
    return init === undefined ? textCues(bytes, info, caption) : mp4Cues(init, bytes, info, caption);
  };
  const cues = (await queue.addAll(caption.segments.map((part) => () => read(part)))).flat();
  if (bytesLeft < 0 || cues.length > MAX_CUES)
    throw new AppError('source_damaged', 'a text of the package is larger than any text is');
  return writeWebvtt(joinCues(cues));
}

function textCues(bytes: Uint8Array, info: PackageInfo, caption: PackagedCaption): readonly Cue[] {
  const text = new TextDecoder().decode(bytes);
  const offsetMs = Math.round(textOffsetSeconds(text, info, caption) * 1000);
  return cuesOf(text).map((cue) => shifted(cue, offsetMs));
}

/** Most segments of a text show nothing. */
function cuesOf(text: string): readonly Cue[] {
  try {
    return parseCaptions(text);
  } catch (error) {
    if (isAppError(error, 'captions_empty') || isAppError(error, 'captions_invalid')) return [];
    if (!isAppError(error)) throw error;
    throw new AppError('source_damaged', 'a text of the package cannot be read', { cause: error });
  }
}

/**
 * Where 0 of a text lies in what is presented. In DASH its times are those of the Period (ISO/IEC 23009-1 7.2.1, with
 * the offset of its Representation taken off). In HLS a header says which time of the media it is (RFC 8216bis 3.1.4);
 * without one we take the beginning (docs/decisions/126).
 */
function textOffsetSeconds(text: string, info: PackageInfo, caption: PackagedCaption): number {
  const originSeconds = info.rewrapped?.originSeconds ?? 0;
  if (info.format === 'dash') return -caption.manifestOriginSeconds - originSeconds;
  const header = /^X-TIMESTAMP-MAP=(.*)$/m.exec(text.slice(0, text.search(/-->/) >>> 0))?.[1] ?? '';
  const clock = /MPEGTS:(\d{1,16})/i.exec(header)?.[1];
  if (clock === undefined) return 0;
  const localSeconds = (parseTimestamp(/LOCAL:([\d:.]+)/i.exec(header)?.[1] ?? '') ?? 0) / 1000;
  const seconds = Number(clock) / CLOCK_HZ - originSeconds - localSeconds;
  // The 33 bits of the clock may have begun anew.
  return unwrappedTicks(seconds, 0, CLOCK_WRAP / CLOCK_HZ);
}

function mp4Cues(
  init: Uint8Array,
  segment: Uint8Array,
  info: PackageInfo,
  caption: PackagedCaption,
): readonly Cue[] {
  const track = parseInitSegment(init).find(({ codecs }) => codecs === 'wvtt');
  if (track === undefined) throw new AppError('source_damaged', 'a text of the package is not WebVTT');
  const { timescale, trackId, defaults, presentationOffsetTicks } = track;
  const originSeconds = caption.manifestOriginSeconds + (info.rewrapped?.originSeconds ?? 0);
  const toMs = (ticks: number): number =>
    Math.round(((ticks - presentationOffsetTicks) / timescale - originSeconds) * 1000);
  const parsed = parseMediaSegment(segment, new Map([[trackId, defaults]]));
  const samples = parsed.find((one) => one.trackId === trackId)?.samples ?? [];
  return samples.flatMap(({ offset, bytes, decodeTimeTicks, compositionOffsetTicks, durationTicks }) => {
    const start = decodeTimeTicks + compositionOffsetTicks;
    return sampleCues(segment.subarray(offset, offset + bytes), toMs(start), toMs(start + durationTicks));
  });
}

function shifted(cue: Cue, byMs: number): Cue {
  return { ...cue, startMs: cue.startMs + byMs, endMs: cue.endMs + byMs };
}
