/** Sample entries: how a decoder is set up (ISO/IEC 14496-12 8.5.2, 12.1.3, 12.2.3). */
import type { ByteWriter } from './byte-writer.ts';
import type { AudioDescription, ColorDescription, VideoDescription } from './track-description.ts';

/** `avc1`: parameter sets in the init segment only (ISO/IEC 14496-15 5.4.2). */
export function writeAvcSampleEntry(writer: ByteWriter, video: VideoDescription): void {
  writer.box('avc1', () => {
    writer.zeros(6);
    writer.u16(1); // data_reference_index
    writer.zeros(16);
    writer.u16(video.width);
    writer.u16(video.height);
    writer.u32(0x00480000); // 72 dpi, as the standard fixes it
    writer.u32(0x00480000);
    writer.zeros(4);
    writer.u16(1); // frame_count
    writer.zeros(32); // compressorname
    writer.u16(0x0018); // depth
    writer.u16(0xffff); // pre_defined = -1
    writer.box('avcC', () => writer.bytes(video.avcC));
    writer.box('pasp', () => {
      writer.u32(1);
      writer.u32(1);
    });
    if (video.color !== undefined) writeColor(writer, video.color);
  });
}

function writeColor(writer: ByteWriter, color: ColorDescription): void {
  writer.box('colr', () => {
    writer.ascii('nclx');
    writer.u16(color.primaries);
    writer.u16(color.transfer);
    writer.u16(color.matrix);
    writer.u8(color.isFullRange ? 0x80 : 0);
  });
}

/** `mp4a` with an `esds` (ISO/IEC 14496-14 5.6). */
export function writeAacSampleEntry(writer: ByteWriter, audio: AudioDescription): void {
  writer.box('mp4a', () => {
    writer.zeros(6);
    writer.u16(1); // data_reference_index
    writer.zeros(8);
    writer.u16(audio.channels);
    writer.u16(16); // samplesize
    writer.zeros(4);
    writer.u32(audio.sampleRate * 0x10000); // 16.16 fixed point
    writer.fullBox('esds', 0, 0, () => writeElementaryStreamDescriptor(writer, audio.audioSpecificConfig));
  });
}

/** ES_Descriptor and what it contains (ISO/IEC 14496-1 7.2.6.5), as 14496-14 3.1 wants them inside a file. */
function writeElementaryStreamDescriptor(writer: ByteWriter, audioSpecificConfig: Uint8Array): void {
  const decoderSpecificBytes = descriptorBytes(audioSpecificConfig.length);
  const decoderConfigBytes = 13 + decoderSpecificBytes;
  const streamBytes = 3 + descriptorBytes(decoderConfigBytes) + descriptorBytes(1);

  writeDescriptorHeader(writer, 0x03, streamBytes); // ES_DescrTag
  writer.u16(0); // ES_ID is 0 inside a file
  writer.u8(0);
  writeDescriptorHeader(writer, 0x04, decoderConfigBytes); // DecoderConfigDescrTag
  writer.u8(0x40); // objectTypeIndication: Audio ISO/IEC 14496-3
  writer.u8(0x15); // streamType 5 (audio), upStream 0, reserved 1
  writer.u24(0); // bufferSizeDB, maxBitrate and avgBitrate: not said
  writer.u32(0);
  writer.u32(0);
  writeDescriptorHeader(writer, 0x05, audioSpecificConfig.length); // DecSpecificInfoTag
  writer.bytes(audioSpecificConfig);
  writeDescriptorHeader(writer, 0x06, 1); // SLConfigDescrTag
  writer.u8(2); // predefined: MP4 file
}

/** Sizes are written in 7-bit groups (ISO/IEC 14496-1 8.3.3). */
function writeDescriptorHeader(writer: ByteWriter, tag: number, bytes: number): void {
  writer.u8(tag);
  for (let group = sizeGroups(bytes) - 1; group > 0; group--) {
    writer.u8(0x80 | ((bytes >>> (7 * group)) & 0x7f));
  }
  writer.u8(bytes & 0x7f);
}

function descriptorBytes(payloadBytes: number): number {
  return 1 + sizeGroups(payloadBytes) + payloadBytes;
}

function sizeGroups(bytes: number): number {
  return bytes < 0x80 ? 1 : bytes < 0x4000 ? 2 : 3;
}
