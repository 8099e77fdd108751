/** The texts inside a source: every packet of its text tracks, as WebVTT. Nothing is decoded, but all of it is read. */
import { AV_NOPTS_VALUE, AV_PKT_DATA_WEBVTT_SETTINGS, AVERROR_EAGAIN, AVERROR_EOF } from 'node-av/constants';
import { Packet } from 'node-av/lib';
import { type Cue, MAX_CUES, mendTimes } from '../../containers/webvtt/cue.ts';
import { makeCue } from '../../containers/webvtt/make-cue.ts';
import { packetMarkup, TEXT_CODECS, type TextCodec } from '../../containers/webvtt/subtitle-packet.ts';
import { writeWebvtt } from '../../containers/webvtt/write-webvtt.ts';
import { originOf } from '../../media/plan.ts';
import type { SourceInfo } from '../../media/source.ts';
import { rational, toNumber } from '../../media/time.ts';
import type { OpenSource } from './source.ts';
import { rewind } from './timestamps.ts';

/** Written down with their times, so many are below the limit for captions that are uploaded. */
const MAX_TRACK_CHARACTERS = 1_000_000;
/** How many errors in a row end the reading: damage in the middle is stepped over, a broken end is not. */
const MAX_ERRORS = 200;

/** A text track while it is read. */
type Reading = {
  readonly codec: TextCodec;
  readonly tickMs: number;
  readonly cues: Cue[];
  characters: number;
};

/** WebVTT by stream index, of every text that inspection found; times count from presentation time 0. */
export async function readCaptions(
  source: OpenSource,
  info: SourceInfo,
): Promise<ReadonlyMap<number, string>> {
  const originMs = toNumber(originOf(info)) * 1000;
  await rewind(source, originMs / 1000);
  const readings = new Map<number, Reading>();
  for (const { streamIndex, codec } of info.captions ?? []) {
    const stream = source.streams[streamIndex];
    if (stream === undefined || !isTextCodec(codec)) continue;
    const tickMs = toNumber(rational(stream.timeBase.num, stream.timeBase.den)) * 1000;
    readings.set(streamIndex, { codec, tickMs, cues: [], characters: 0 });
  }
  source.readOnly(readings.keys());
  await readAll(source, (packet) => {
    const reading = readings.get(packet.streamIndex);
    if (reading !== undefined) note(reading, packet, originMs);
  });
  return new Map([...readings].map(([index, { cues }]) => [index, writeWebvtt(mendTimes(cues))]));
}

async function readAll(source: OpenSource, onPacket: (packet: Packet) => void): Promise<void> {
  using packet = new Packet();
  packet.alloc();
  for (let errors = 0; errors <= MAX_ERRORS; ) {
    await source.pause();
    const result = await source.format.readFrame(packet);
    if (result === AVERROR_EOF) return;
    if (result < 0) {
      source.throwIfReadFailed();
      if (result !== AVERROR_EAGAIN) errors++;
      continue;
    }
    errors = 0;
    onPacket(packet);
    packet.unref();
  }
}

function note(reading: Reading, packet: Packet, originMs: number): void {
  const { codec, tickMs, cues } = reading;
  const { data, pts, duration } = packet;
  if (data === null || pts === AV_NOPTS_VALUE || cues.length >= MAX_CUES) return;
  const startMs = Math.round(Number(pts) * tickMs - originMs);
  const endMs = startMs + Math.round(Number(duration) * tickMs);
  const settings = packet.getSideData(AV_PKT_DATA_WEBVTT_SETTINGS)?.toString('utf8');
  const cue = makeCue(startMs, endMs, packetMarkup(codec, data), settings);
  if (cue === undefined || isShownAlready(cues, cue)) return;
  reading.characters += cue.text.length + cue.settings.length;
  if (reading.characters <= MAX_TRACK_CHARACTERS) cues.push(cue);
}

/** Advanced SubStation draws shadows and outlines as the same line in several layers. */
function isShownAlready(cues: readonly Cue[], { startMs, endMs, text }: Cue): boolean {
  for (let index = cues.length - 1; index >= 0 && cues[index]!.startMs === startMs; index--) {
    if (cues[index]!.endMs === endMs && cues[index]!.text === text) return true;
  }
  return false;
}

/** Whether packets of this codec are text that is understood. */
export function isTextCodec(codec: string): codec is TextCodec {
  return (TEXT_CODECS as readonly string[]).includes(codec);
}
