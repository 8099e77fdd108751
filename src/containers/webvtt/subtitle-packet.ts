/** The text of one packet of a subtitle track inside a media file, in the markup that SubRip and WebVTT share. */
import { escapeText } from './entities.ts';

/** FFmpeg's names of the codecs whose packets are understood. */
export const TEXT_CODECS = ['subrip', 'text', 'mov_text', 'ass', 'ssa', 'webvtt'] as const;

/** One of {@link TEXT_CODECS}. */
export type TextCodec = (typeof TEXT_CODECS)[number];

/** Markup of what `packet` shows; empty where it shows nothing. */
export function packetMarkup(codec: TextCodec, packet: Uint8Array): string {
  switch (codec) {
    case 'mov_text':
      return timedText(packet);
    case 'ass':
    case 'ssa':
      return dialogue(new TextDecoder().decode(packet));
    case 'text':
      return escapeText(new TextDecoder().decode(packet));
    default:
      return new TextDecoder().decode(packet);
  }
}

/** Fields of an event before its text, as Matroska keeps it: ReadOrder, Layer, Style, Name, three margins, Effect. */
const FIELDS_BEFORE_TEXT = 8;

/** Angle brackets are only text here; line breaks are `\N` and `\n`, hard spaces `\h`. */
function dialogue(event: string): string {
  const text = event.split(',').slice(FIELDS_BEFORE_TEXT).join(',');
  return escapeText(text)
    .replaceAll(/\\[Nn]/g, '\n')
    .replaceAll('\\h', '\u00a0');
}

/** Of 3GPP timed text (TS 26.245 5.16): a style is for a run of characters. */
const FACES = [
  { bit: 1, tag: 'b' },
  { bit: 2, tag: 'i' },
  { bit: 4, tag: 'u' },
];
const STYLE_BYTES = 12;

/** TS 26.245 5.17: a length, the text, boxes that modify it. */
function timedText(packet: Uint8Array): string {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  if (packet.length < 2) return '';
  const end = Math.min(2 + view.getUint16(0), packet.length);
  const encoded = packet.subarray(2, end);
  const encoding = encoded[0] === 0xfe && encoded[1] === 0xff ? 'utf-16be' : 'utf-8';
  const characters = [...new TextDecoder(encoding).decode(encoded)];
  const marks = styleMarks(view, end);
  // A style may end behind the last character.
  return [...characters, '']
    .map((character, index) => (marks.get(index) ?? '') + escapeText(character))
    .join('');
}

/** Tags by the character that they stand before, of the `styl` boxes that begin at `offset`. */
function styleMarks(view: DataView, start: number): ReadonlyMap<number, string> {
  const marks = new Map<number, string>();
  for (let offset = start; offset + 10 <= view.byteLength; ) {
    const size = view.getUint32(offset);
    if (size < 8 || offset + size > view.byteLength) break;
    const isStyle = view.getUint32(offset + 4) === 0x7374796c;
    const count = isStyle ? view.getUint16(offset + 8) : 0;
    for (let nth = 0; nth < count && 10 + (nth + 1) * STYLE_BYTES <= size; nth++) {
      const record = offset + 10 + nth * STYLE_BYTES;
      const [from, to, face] = [
        view.getUint16(record),
        view.getUint16(record + 2),
        view.getUint8(record + 6),
      ];
      if (to <= from) continue;
      for (const { tag } of FACES.filter(({ bit }) => (face & bit) !== 0)) {
        marks.set(from, `${marks.get(from) ?? ''}<${tag}>`);
        marks.set(to, `</${tag}>${marks.get(to) ?? ''}`);
      }
    }
    offset += size;
  }
  return marks;
}
