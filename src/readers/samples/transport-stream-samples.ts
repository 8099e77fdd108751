/** Samples of MPEG-TS segments: H.264, and AAC in ADTS. */
import { avcConfigurationFromAnnexB } from '../../containers/h264/decoder-configuration.ts';
import { annexBToLengthPrefixed, NAL_TYPE, nalType, splitAnnexB } from '../../containers/h264/nal-units.ts';
import { parseSps } from '../../containers/h264/parse-sps.ts';
import {
  demuxTransportStream,
  type ElementaryStream,
  type PesPacket,
} from '../../containers/mpegts/demux.ts';
import { CLOCK_HZ, CLOCK_WRAP, STREAM_TYPE, unwrapped } from '../../containers/mpegts/packet.ts';
import { AppError } from '../../errors.ts';
import { adtsSamples } from './adts-samples.ts';
import type { StreamDescription, StreamSample, StreamSamples } from './stream-samples.ts';

/** Picture and sound of other kinds (table 2-34, ATSC A/52): what cannot be taken along must not be lost in silence. */
const OTHER_MEDIA = new Set([0x01, 0x02, 0x03, 0x04, 0x10, 0x11, 0x1c, 0x20, 0x24, 0x81, 0x87, 0xcf, 0xdb]);

/**
 * The picture and the sound of a segment, or of its front: then the last sample of each may be cut off. Of several
 * streams of a kind, players take the first. Throws `source_damaged` for what cannot be wrapped anew.
 */
export function transportStreamSamples(bytes: Uint8Array): readonly StreamSamples[] {
  const streams = demuxTransportStream(bytes);
  if (streams.some(({ streamType }) => OTHER_MEDIA.has(streamType)))
    throw new AppError('source_damaged', 'the transport stream has other codecs than H.264 and AAC');
  const video = streams.find(({ streamType }) => streamType === STREAM_TYPE.h264);
  const audio = streams.find(({ streamType }) => streamType === STREAM_TYPE.adts);
  return [
    ...(video === undefined || video.packets.length === 0 ? [] : [pictures(video)]),
    ...(audio === undefined || audio.packets.length === 0 ? [] : sound(audio)),
  ];
}

function pictures({ pid, packets }: ElementaryStream): StreamSamples {
  const first = packets[0]!;
  let last = first.decodeTicks;
  const timed = packets.map((packet) => {
    last = unwrapped(packet.decodeTicks, last);
    return { packet, decodeTicks: last };
  });
  const samples = timed.map(({ packet, decodeTicks }, i): StreamSample => {
    const next = timed[i + 1]?.decodeTicks ?? 2 * decodeTicks - (timed[i - 1]?.decodeTicks ?? decodeTicks);
    const units = new Set(splitAnnexB(packet.data).map(nalType));
    return {
      decodeTicks,
      compositionOffsetTicks: unwrapped(packet.presentationTicks, decodeTicks) - decodeTicks,
      durationTicks: Math.max(1, next - decodeTicks),
      // Parameter sets stand where a decoder may begin.
      isSync: units.has(NAL_TYPE.idr) || units.has(NAL_TYPE.sps),
      data: annexBToLengthPrefixed(packet.data, isKept),
    };
  });
  return { streamId: pid, description: describePicture(packets), samples, wrapTicks: CLOCK_WRAP };
}

/** Parameter sets are in the init segment, and samples are delimited by the boxes (ISO/IEC 14496-15 5.3.2). */
function isKept(type: number): boolean {
  return type !== NAL_TYPE.sps && type !== NAL_TYPE.pps && type !== NAL_TYPE.accessUnitDelimiter;
}

function describePicture(packets: readonly PesPacket[]): StreamDescription {
  for (const { data } of packets) {
    const sps = splitAnnexB(data).find((unit) => nalType(unit) === NAL_TYPE.sps);
    if (sps === undefined) continue;
    const { codecs, width, height } = parseSps(sps);
    const avcC = avcConfigurationFromAnnexB(data);
    return { kind: 'video', timescale: CLOCK_HZ, width, height, avcC, codecs, editTicks: 0 };
  }
  throw new AppError('source_damaged', 'the pictures of a transport stream have no parameter sets');
}

function sound({ pid, packets }: ElementaryStream): readonly StreamSamples[] {
  let last = packets[0]!.presentationTicks;
  const chunks = packets.map(({ presentationTicks, data }) => {
    last = unwrapped(presentationTicks, last);
    return { clockTicks: last, data };
  });
  const samples = adtsSamples(pid, chunks);
  return samples === undefined ? [] : [samples];
}
