/** Inspection: what a source is and where its tracks really lie in time. Reads packets, decodes nothing. */
import {
  AV_CODEC_ID_NONE,
  AV_DISPOSITION_ATTACHED_PIC,
  AV_DISPOSITION_CAPTIONS,
  AV_DISPOSITION_COMMENT,
  AV_DISPOSITION_DEFAULT,
  AV_DISPOSITION_DESCRIPTIONS,
  AV_DISPOSITION_FORCED,
  AV_DISPOSITION_HEARING_IMPAIRED,
  AV_DISPOSITION_VISUAL_IMPAIRED,
  AV_NOPTS_VALUE,
  AV_PKT_DATA_DISPLAYMATRIX,
  AV_PKT_DATA_DOVI_CONF,
  AVMEDIA_TYPE_AUDIO,
  AVMEDIA_TYPE_SUBTITLE,
  AVMEDIA_TYPE_VIDEO,
} from 'node-av/constants';
import { avGetCodecName, avGetPixFmtName, Codec, type Stream } from 'node-av/lib';
import { AppError } from '../../errors.ts';
import type { AudioRole } from '../../media/presentation.ts';
import type { SourceAudio, SourceCaption, SourceInfo, SourceSpan, SourceVideo } from '../../media/source.ts';
import { canonicalLanguage, UNDETERMINED } from '../../media/language.ts';
import { multiply, type Rational, rational, toNumber } from '../../media/time.ts';
import { isTextCodec } from './captions.ts';
import { colorOf, isInterlaced } from './color.ts';
import { displayOf } from './display.ts';
import { chooseFrameRate, type FrameRateChoice } from './frame-rate.ts';
import { checkExtent, checkPictureSize, MAX_AUDIO_TRACKS } from './limits.ts';
import { isReallyInterlaced } from './scan.ts';
import type { OpenSource } from './source.ts';
import { type PacketTimes, readTimes, seekTo } from './timestamps.ts';
import { type MeasuredTrack, measureEnds, type TrackEnds } from './track-ends.ts';

/** Packets looked at in each place to learn the frame rate: about two seconds of picture and sound. */
const SAMPLED_PACKETS = 240;

/** Throws `source_unsupported` if there is nothing that can be played, or more than can be played safely. */
export async function inspect(source: OpenSource): Promise<SourceInfo> {
  const [video] = inOrderOfPreference(source.streams.filter(isPlayableVideo));
  const audio = inOrderOfPreference(source.streams.filter(isPlayableAudio)).slice(0, MAX_AUDIO_TRACKS);
  const kept = [...(video === undefined ? [] : [video]), ...audio];
  if (kept.length === 0) {
    throw new AppError('source_unsupported', 'the file holds neither picture nor sound that can be decoded');
  }
  if (video !== undefined) checkPictureSize(video.codecpar.width, video.codecpar.height);
  if (video !== undefined) checkDolbyVision(video);
  source.readOnly(kept.map(({ index }) => index));

  const head = await sampleTimes(source);
  const start = Math.min(...kept.map((stream) => startTicks(stream, head) * toNumber(timeBaseOf(stream))));
  const claimedEnd = claimedEndSeconds(source, kept, start);
  checkExtent(0, (claimedEnd ?? start) - start);
  const choice =
    video === undefined ? undefined : await frameRateOf(source, video, head, [start, claimedEnd ?? start]);
  const pictures =
    video === undefined || choice === undefined
      ? []
      : [describeVideo(video, startOf(video, head, choice.frameRate), choice)];
  const sounds = audio.map((stream) => describeAudio(stream, startOf(stream, head)));
  const captions = captionsOf(source);
  // Measuring may open the file anew: the streams are not looked at after it.
  const ends = await measureEnds(source, [...pictures, ...sounds], start, claimedEnd);
  const [ended] = endedTracks(pictures, ends);
  const picture = ended === undefined ? undefined : await checkFields(source, ended);
  const info = { ...(picture === undefined ? {} : { video: picture }), audio: endedTracks(sounds, ends) };
  if (picture === undefined && info.audio.length === 0)
    throw new AppError('source_damaged', 'the file holds no complete picture or sound');
  return { container: source.handle.container, bytes: source.handle.bytes, ...info, ...captions };
}

/** Above this a rate is not of frames but of fields, each in a packet. */
const MAX_INTERLACED_RATE = 31;

/** Interlaced video is put out with a picture for each field (docs/decisions/098). */
async function checkFields(source: OpenSource, video: SourceVideo): Promise<SourceVideo> {
  if (!video.isInterlaced) return video;
  if (!(await isReallyInterlaced(source, video))) return { ...video, isInterlaced: false };
  const isOfFields = toNumber(video.frameRate) > MAX_INTERLACED_RATE;
  return { ...video, frameRate: isOfFields ? video.frameRate : multiply(video.frameRate, rational(2)) };
}

/** Those of which anything is there, with their real ends. */
function endedTracks<T extends MeasuredTrack>(tracks: readonly T[], ends: TrackEnds): T[] {
  return tracks
    .filter(({ streamIndex }) => ends.has(streamIndex))
    .map((track) => ({ ...track, endTicks: Math.max(track.endTicks, ends.get(track.streamIndex)!) }));
}

function isPlayableVideo(stream: Stream): boolean {
  const { codecType, codecId, width, height } = stream.codecpar;
  return (
    codecType === AVMEDIA_TYPE_VIDEO &&
    (stream.disposition & AV_DISPOSITION_ATTACHED_PIC) === 0 &&
    codecId !== AV_CODEC_ID_NONE &&
    Codec.findDecoder(codecId) !== null &&
    width > 0 &&
    height > 0
  );
}

/** Some Dolby Vision has no picture in it that anything else can show: its colours are another system's. */
function checkDolbyVision(video: Stream): void {
  const bytes = video.codecpar.getCodedSideData(AV_PKT_DATA_DOVI_CONF);
  // FFmpeg's AVDOVIDecoderConfigurationRecord: bytes of profile (2) and of what the base layer is compatible with (7).
  const [profile, compatibility] = [bytes?.[2], bytes?.[7]];
  if (profile === 5 || (profile !== undefined && profile >= 8 && compatibility === 0)) {
    throw new AppError(
      'source_unsupported',
      `the picture is Dolby Vision of profile ${profile}, which other screens cannot show: export it as HDR10 or SDR`,
    );
  }
}

function isPlayableAudio(stream: Stream): boolean {
  const { codecType, codecId, channels, sampleRate } = stream.codecpar;
  return (
    codecType === AVMEDIA_TYPE_AUDIO &&
    codecId !== AV_CODEC_ID_NONE &&
    Codec.findDecoder(codecId) !== null &&
    channels > 0 &&
    sampleRate > 0
  );
}

/** Main sound before commentaries and descriptions, and what the source calls its default before the rest. */
function inOrderOfPreference(streams: readonly Stream[]): Stream[] {
  return streams.toSorted((a, b) => rankOf(a) - rankOf(b));
}

function rankOf(stream: Stream): number {
  return (roleOf(stream) === undefined ? 0 : 2) + (isDefaultTrack(stream) ? 0 : 1);
}

function isDefaultTrack(stream: Stream): boolean {
  return (stream.disposition & AV_DISPOSITION_DEFAULT) !== 0;
}

function roleOf({ disposition }: Stream): AudioRole | undefined {
  if ((disposition & AV_DISPOSITION_COMMENT) !== 0) return 'commentary';
  const isDescription = disposition & (AV_DISPOSITION_VISUAL_IMPAIRED | AV_DISPOSITION_DESCRIPTIONS);
  return isDescription === 0 ? undefined : 'description';
}

/** Timestamps of the next packets, by stream, each list ascending. */
type SampledTimes = ReadonlyMap<number, readonly number[]>;

async function sampleTimes(source: OpenSource): Promise<SampledTimes> {
  const packets = new Map<number, PacketTimes[]>();
  for await (const times of readTimes(source, SAMPLED_PACKETS)) {
    const list = packets.get(times.streamIndex) ?? [];
    packets.set(times.streamIndex, list);
    list.push(times);
  }
  return new Map([...packets].map(([index, list]) => [index, timesOf(list)]));
}

/** Where presentation times are missing (program streams), decode times say as much about the rate. */
function timesOf(packets: readonly PacketTimes[]): readonly number[] {
  const isComplete = packets.every(({ hasPts }) => hasPts);
  const times = packets.map(({ ptsTicks, dtsTicks }) => (isComplete ? ptsTicks : dtsTicks));
  return times.sort((a, b) => a - b);
}

/** Samples the middle and the end, too: many a recording is regular only at first. */
async function frameRateOf(
  source: OpenSource,
  video: Stream,
  head: SampledTimes,
  [start, end]: readonly [number, number],
): Promise<FrameRateChoice> {
  const runs = [head.get(video.index) ?? []];
  for (const part of [0.5, 0.8]) {
    if (end - start < 10 || !(await seekTo(source, start + (end - start) * part))) continue;
    runs.push((await sampleTimes(source)).get(video.index) ?? []);
  }
  const choice = chooseFrameRate(runs.map(settledPart), timeBaseOf(video), claimedRates(video));
  checkExtent(toNumber(choice.frameRate), 0);
  return choice;
}

/**
 * Packets come in decode order: of the last few, some frames that are shown between them have not been read
 * yet, and after a seek some before the first may be missing. Those at both ends say nothing about the rate.
 */
function settledPart(run: readonly number[]): readonly number[] {
  const reorder = 16;
  return run.length > 4 * reorder
    ? run.slice(reorder, -reorder)
    : run.slice(0, Math.max(2, run.length - reorder));
}

function claimedRates(video: Stream): Rational[] {
  return [video.avgFrameRate, video.rFrameRate]
    .filter((rate) => rate.num > 0 && rate.den > 0)
    .map((rate) => rational(rate.num, rate.den));
}

function timeBaseOf(stream: Stream): Rational {
  return rational(stream.timeBase.num, stream.timeBase.den);
}

function startTicks(stream: Stream, head: SampledTimes): number {
  if (stream.startTime !== AV_NOPTS_VALUE) return Number(stream.startTime);
  return head.get(stream.index)?.[0] ?? 0;
}

/** Where the headers say that the longest track ends; undefined if they do not say. */
function claimedEndSeconds(source: OpenSource, kept: readonly Stream[], start: number): number | undefined {
  const ends = kept
    .filter((stream) => stream.duration > 0n && stream.duration !== AV_NOPTS_VALUE)
    .map((stream) => start + Number(stream.duration) * toNumber(timeBaseOf(stream)));
  if (source.format.duration > 0n) ends.push(start + Number(source.format.duration) / 1_000_000);
  return ends.length === 0 ? undefined : Math.max(...ends);
}

/** The span of the track's first frame (or tick of sound): where it ends is not known yet. */
function startOf(stream: Stream, head: SampledTimes, frameRate?: Rational): SourceSpan {
  const timeBase = timeBaseOf(stream);
  const start = startTicks(stream, head);
  const frameTicks = frameRate === undefined ? 1 : Math.round(1 / toNumber(frameRate) / toNumber(timeBase));
  return { timeBase, startTicks: start, endTicks: start + Math.max(1, frameTicks) };
}

function describeVideo(stream: Stream, span: SourceSpan, choice: FrameRateChoice): SourceVideo {
  const { codecpar } = stream;
  const matrix = codecpar.getCodedSideData(AV_PKT_DATA_DISPLAYMATRIX);
  const aspect = sampleAspectRatioOf(stream);
  return {
    ...span,
    streamIndex: stream.index,
    codec: avGetCodecName(codecpar.codecId) ?? 'unknown',
    pixelFormat: avGetPixFmtName(codecpar.format as never) ?? 'unknown',
    codedWidth: codecpar.width,
    codedHeight: codecpar.height,
    ...displayOf(codecpar.width, codecpar.height, aspect, matrix),
    sampleAspectRatio: aspect,
    frameRate: choice.frameRate,
    isVariableFrameRate: choice.isVariable,
    isInterlaced: isInterlaced(codecpar),
    color: colorOf(codecpar),
  };
}

function sampleAspectRatioOf(stream: Stream): Rational {
  for (const { num, den } of [stream.sampleAspectRatio, stream.codecpar.sampleAspectRatio]) {
    if (num > 0 && den > 0) return rational(num, den);
  }
  return rational(1);
}

function captionsOf(source: OpenSource): Pick<SourceInfo, 'captions'> {
  const captions = source.streams
    .filter(({ codecpar }) => codecpar.codecType === AVMEDIA_TYPE_SUBTITLE)
    .filter(({ codecpar }) => isTextCodec(avGetCodecName(codecpar.codecId) ?? ''))
    .map(describeCaption);
  return captions.length === 0 ? {} : { captions };
}

function describeCaption(stream: Stream): SourceCaption {
  const { disposition } = stream;
  const language = languageOf(stream);
  const title = stream.metadata?.get('title')?.trim() || undefined;
  return {
    streamIndex: stream.index,
    codec: avGetCodecName(stream.codecpar.codecId) ?? 'unknown',
    ...(language === undefined ? {} : { language }),
    ...(title === undefined ? {} : { title }),
    isForced: (disposition & AV_DISPOSITION_FORCED) !== 0,
    isHearingImpaired: (disposition & (AV_DISPOSITION_HEARING_IMPAIRED | AV_DISPOSITION_CAPTIONS)) !== 0,
  };
}

/** Containers mostly say it as ISO 639-2 does. Undefined for none, or nonsense. */
function languageOf(stream: Stream): string | undefined {
  const language = canonicalLanguage(stream.metadata?.get('language') ?? '');
  return language === UNDETERMINED ? undefined : language;
}

function describeAudio(stream: Stream, span: SourceSpan): SourceAudio {
  const language = languageOf(stream);
  const title = stream.metadata?.get('title')?.trim() || undefined;
  const role = roleOf(stream);
  return {
    ...span,
    streamIndex: stream.index,
    codec: avGetCodecName(stream.codecpar.codecId) ?? 'unknown',
    channels: stream.codecpar.channels,
    sampleRate: stream.codecpar.sampleRate,
    ...(language === undefined ? {} : { language }),
    ...(title === undefined ? {} : { title }),
    isDefault: isDefaultTrack(stream),
    ...(role === undefined ? {} : { role }),
  };
}
