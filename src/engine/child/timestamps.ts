/** The times of packets, and moving to a time. */
import {
  AV_NOPTS_VALUE,
  AV_PKT_FLAG_CORRUPT,
  AVERROR_EAGAIN,
  AVERROR_EOF,
  AVSEEK_FLAG_BACKWARD,
} from 'node-av/constants';
import { Packet, type Stream } from 'node-av/lib';
import type { OpenSource } from './source.ts';

/** Times of one packet, in ticks of its stream. */
export type PacketTimes = {
  readonly streamIndex: number;
  /** Its decode time where it has no other: `hasPts` says so. */
  readonly ptsTicks: number;
  readonly hasPts: boolean;
  readonly dtsTicks: number;
  /** 0 where the container does not say. */
  readonly durationTicks: number;
};

const MICROSECONDS = 1_000_000;
/** How many errors in a row are taken for damage in the middle, not for the end. */
const MAX_ERRORS = 200;

/**
 * Where seeking has led so far before the place that was sought, it went by an index that knows nothing near it: of a
 * picture that stands still for an hour, it has the beginning. Then it is better to seek by the track itself, which
 * makes FFmpeg look at all of the file once (docs/decisions/129).
 */
export const MAX_LEAD_SECONDS = 120;

/** Reads on from where the demuxer stands; ends at the end of the file, or when `limit` packets were given. */
export async function* readTimes(source: OpenSource, limit: number): AsyncGenerator<PacketTimes> {
  using packet = new Packet();
  packet.alloc();
  let errors = 0;
  for (let count = 0; count < limit; ) {
    const result = await source.readFrame(packet);
    if (result === AVERROR_EOF) return;
    if (result < 0) {
      source.throwIfReadFailed();
      if (result !== AVERROR_EAGAIN && ++errors > MAX_ERRORS) return;
      continue;
    }
    errors = 0;
    const pts = packet.pts === AV_NOPTS_VALUE ? packet.dts : packet.pts;
    // A packet that the file breaks off in is not there.
    if (pts !== AV_NOPTS_VALUE && (packet.flags & AV_PKT_FLAG_CORRUPT) === 0 && packet.size > 0) {
      count++;
      yield {
        streamIndex: packet.streamIndex,
        ptsTicks: Number(pts),
        hasPts: packet.pts !== AV_NOPTS_VALUE,
        dtsTicks: Number(packet.dts === AV_NOPTS_VALUE ? pts : packet.dts),
        durationTicks: Number(packet.duration),
      };
    }
    packet.unref();
  }
}

/**
 * Moves to the last place at or before `seconds` from which decoding can start; false if there is none. Goes by the
 * index of `stream` where one is given.
 */
export async function seekTo(source: OpenSource, seconds: number, stream?: Stream): Promise<boolean> {
  // With a stream, node-av wants the time in its time base; without one, microseconds (docs/decisions/061).
  const target =
    stream === undefined ? seconds * MICROSECONDS : (seconds * stream.timeBase.den) / stream.timeBase.num;
  return source.seekFrame(stream?.index ?? -1, BigInt(Math.round(target)), AVSEEK_FLAG_BACKWARD);
}

/**
 * Moves to the very beginning. Only an MP4 has an index that can be believed in this: elsewhere the first place that
 * seeking knows may be well after the first packet, or seeking to before it fails.
 */
export async function rewind(source: OpenSource, startSeconds: number, stream?: Stream): Promise<void> {
  if (source.handle.container === 'mov' && (await seekTo(source, startSeconds - 10, stream))) return;
  await source.reopen();
}
