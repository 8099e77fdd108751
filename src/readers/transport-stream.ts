/** What the beginning of an MPEG transport stream tells of its picture and sound (ISO/IEC 13818-1). */
import { NAL_TYPE, nalType, splitAnnexB } from '../containers/h264/nal-units.ts';
import { parseSps } from '../containers/h264/parse-sps.ts';

/** What manifests may leave unsaid. */
export type TransportStreamFacts = {
  /** Pictures that begin in it. */
  readonly pictures: number;
  /** RFC 6381, of H.264 and AAC; empty for others. */
  readonly codecs: string;
  /** 0 where unknown. */
  readonly width: number;
  readonly height: number;
};

const PACKET_BYTES = 188;

/** Throws `source_damaged` for an H.264 parameter set that is cut off; other damage makes it know less. */
export function describeTransportStream(bytes: Uint8Array): TransportStreamFacts {
  const units = { video: firstUnit(bytes, isVideo), audio: firstUnit(bytes, isAudio) };
  const picture = units.video === undefined ? undefined : describePicture(units.video);
  const sound = units.audio === undefined ? undefined : describeSound(units.audio);
  return {
    pictures: [...packetsOf(bytes)].filter(({ streamId }) => isVideo(streamId)).length,
    codecs: [picture?.codecs, sound].filter((codecs) => codecs !== undefined).join(','),
    width: picture?.width ?? 0,
    height: picture?.height ?? 0,
  };
}

type TransportPacket = {
  readonly pid: number;
  readonly payload: Uint8Array;
  /** Where a PES packet begins in it (2.4.3.6). */
  readonly streamId: number | undefined;
};

/** 2.4.3.2 */
function* packetsOf(bytes: Uint8Array): Generator<TransportPacket> {
  for (let at = 0; at + PACKET_BYTES <= bytes.length && bytes[at] === 0x47; at += PACKET_BYTES) {
    const [, second = 0, third = 0, control = 0, adaptationBytes = 0] = bytes.subarray(at, at + 5);
    const payload = bytes.subarray(
      at + 4 + ((control & 0x20) === 0 ? 0 : 1 + adaptationBytes),
      at + PACKET_BYTES,
    );
    const startsPes = (second & 0x40) !== 0 && payload[0] === 0 && payload[1] === 0 && payload[2] === 1;
    yield { pid: ((second & 0x1f) << 8) | third, payload, streamId: startsPes ? payload[3] : undefined };
  }
}

/** Table 2-22 */
function isVideo(streamId: number | undefined): boolean {
  return streamId !== undefined && (streamId & 0xf0) === 0xe0;
}

function isAudio(streamId: number | undefined): boolean {
  return streamId !== undefined && (streamId & 0xe0) === 0xc0;
}

/** The content of the first PES packet of a kind, without its header. */
function firstUnit(
  bytes: Uint8Array,
  isKind: (streamId: number | undefined) => boolean,
): Uint8Array | undefined {
  const parts: Uint8Array[] = [];
  let pid: number | undefined;
  for (const packet of packetsOf(bytes)) {
    if (pid === undefined && isKind(packet.streamId)) {
      pid = packet.pid;
      parts.push(packet.payload.subarray(9 + (packet.payload[8] ?? 0)));
    } else if (packet.pid === pid) {
      if (packet.streamId !== undefined) break;
      parts.push(packet.payload);
    }
  }
  return pid === undefined ? undefined : concatenate(parts);
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function describePicture(accessUnit: Uint8Array) {
  const units = splitAnnexB(accessUnit);
  // The start codes of MPEG-2 have the bit that H.264 forbids: there a 7 is a slice.
  const isH264 = units.every((unit) => (unit[0] ?? 0) < 0x80);
  const sps = isH264 ? units.find((unit) => nalType(unit) === NAL_TYPE.sps) : undefined;
  return sps === undefined ? undefined : parseSps(sps);
}

/** ADTS (ISO/IEC 13818-7 6.2): two bits are the audio object type less one. */
function describeSound([first = 0, second = 0, third = 0]: Uint8Array): string | undefined {
  return first === 0xff && (second & 0xf6) === 0xf0 ? `mp4a.40.${(third >> 6) + 1}` : undefined;
}
