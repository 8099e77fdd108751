/** The descriptors inside an `esds` box (ISO/IEC 14496-1 7.2.6). */
import { AppError } from '../../errors.ts';
import { type Box, type ByteReader, fullBoxContentOf } from './box-reader.ts';

const TAG = { stream: 0x03, decoderConfig: 0x04, decoderSpecificInfo: 0x05 } as const;

/** The AudioSpecificConfig of an AAC track. Throws `source_damaged` if there is none. */
export function audioSpecificConfigOf(bytes: Uint8Array, esds: Box): Uint8Array {
  const { reader } = fullBoxContentOf(bytes, esds);
  enterDescriptor(reader, TAG.stream);
  reader.skip(2); // ES_ID
  const flags = reader.u8();
  if (flags & 0x80) reader.skip(2); // dependsOn_ES_ID
  if (flags & 0x40) reader.skip(reader.u8()); // URLstring
  if (flags & 0x20) reader.skip(2); // OCR_ES_Id
  enterDescriptor(reader, TAG.decoderConfig);
  reader.skip(13);
  return reader.bytes(enterDescriptor(reader, TAG.decoderSpecificInfo));
}

/** Reads a tag and a size in 7-bit groups (8.3.3), and returns the size. */
function enterDescriptor(reader: ByteReader, tag: number): number {
  if (reader.u8() !== tag) throw new AppError('source_damaged', 'the audio configuration is damaged');
  let size = 0;
  for (let group = 0; group < 4; group++) {
    const byte = reader.u8();
    size = size * 128 + (byte & 0x7f);
    if (byte < 0x80) break;
  }
  return size;
}
