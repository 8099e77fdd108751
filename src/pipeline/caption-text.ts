/** From the bytes of a caption file to text, whatever its encoding. */
import { analyse } from 'chardet';
import { parseCaptions } from '../containers/webvtt/parse-captions.ts';
import { writeWebvtt } from '../containers/webvtt/write-webvtt.ts';
import { AppError } from '../errors.ts';

/** Hours of dense text are some hundred kilobytes. */
export const MAX_CAPTION_BYTES = 5_000_000;

/** The encodings in which files of a language usually are, where they are not UTF-8. */
const USUAL: Readonly<Record<string, readonly string[]>> = {
  ...languages('ca da de en es eu fi fr ga gl is it nb nl nn no pt sv', ['windows-1252', 'iso-8859-1']),
  ...languages('bs cs hr hu pl ro sk sl sq', ['windows-1250', 'iso-8859-2']),
  ...languages('be bg mk ru sr uk', ['windows-1251', 'koi8-r', 'iso-8859-5']),
  ...languages('el', ['windows-1253', 'iso-8859-7']),
  ...languages('tr az', ['windows-1254', 'iso-8859-9']),
  ...languages('he yi', ['windows-1255', 'iso-8859-8']),
  ...languages('ar fa ur', ['windows-1256', 'iso-8859-6']),
  ...languages('et lt lv', ['windows-1257']),
  ...languages('ja', ['shift_jis', 'euc-jp', 'iso-2022-jp']),
  ...languages('zh', ['gb18030', 'big5']),
  ...languages('ko', ['euc-kr']),
};

/** What fits less well than this is a guess; then what is usual for the language is the better one. */
const SURE_PERCENT = 50;
/** As much as tells encodings apart. */
const SAMPLE_BYTES = 64 * 1024;

/** A WebVTT text as it is stored: read leniently, safe to show. Throws what {@link parseCaptions} throws. */
export function normaliseCaptions(bytes: Uint8Array, language: string): string {
  if (bytes.length === 0) throw new AppError('captions_empty', 'the file is empty');
  return writeWebvtt(parseCaptions(decodeCaptions(bytes, language)));
}

/** All of `body`. Throws `captions_too_large` as soon as there is more than may be. */
export async function readCaptionBytes(body: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > MAX_CAPTION_BYTES) throw captionsTooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** For whoever knows beforehand. */
export function captionsTooLarge(): AppError {
  return new AppError('captions_too_large', `captions have at most ${MAX_CAPTION_BYTES / 1e6} MB`);
}

/** The text of `bytes`. The language is a hint where the bytes alone do not tell the encoding. */
export function decodeCaptions(bytes: Uint8Array, language: string): string {
  const encoding = markedEncoding(bytes) ?? unmarkedUnicode(bytes) ?? legacyEncoding(bytes, language);
  const text = tryDecode(bytes, encoding) ?? new TextDecoder(encoding).decode(bytes);
  // Tabs and line ends aside, texts hold next to no control characters, and binary files little else.
  const controls = text.match(/[^\P{Cc}\s]|\ufffd/gu)?.length ?? 0;
  if (controls > text.length / 100) {
    throw new AppError('captions_not_text', 'this is not a text, or one in an encoding that cannot be told');
  }
  return text;
}

/** By its byte order mark. */
function markedEncoding([first, second, third]: Uint8Array): string | undefined {
  if (first === 0xef && second === 0xbb && third === 0xbf) return 'utf-8';
  if (first === 0xff && second === 0xfe) return 'utf-16le';
  return first === 0xfe && second === 0xff ? 'utf-16be' : undefined;
}

function unmarkedUnicode(bytes: Uint8Array): string | undefined {
  if (tryDecode(bytes, 'utf-8') !== undefined && !bytes.includes(0)) return 'utf-8';
  // Digits and spaces of the times: every other byte of them is zero.
  const zeros = [0, 0];
  const sample = bytes.subarray(0, SAMPLE_BYTES);
  for (let index = 0; index < sample.length; index++) if (sample[index] === 0) zeros[index % 2]!++;
  const [even = 0, odd = 0] = zeros;
  if (odd > sample.length / 10 && even < odd / 10) return 'utf-16le';
  return even > sample.length / 10 && odd < even / 10 ? 'utf-16be' : undefined;
}

function legacyEncoding(bytes: Uint8Array, language: string): string {
  const usual = USUAL[language.split('-', 1)[0] ?? ''] ?? [];
  const found = analyse(bytes.subarray(0, SAMPLE_BYTES))
    .map(({ name, confidence }) => ({ name: name.toLowerCase(), confidence }))
    .filter(({ name }) => tryDecode(bytes, name) !== undefined);
  const best = found.find(({ name }) => usual.includes(name)) ?? found[0];
  if (best !== undefined && (usual.includes(best.name) || best.confidence >= SURE_PERCENT)) return best.name;
  return usual.find((name) => tryDecode(bytes, name) !== undefined) ?? best?.name ?? 'windows-1252';
}

/** Undefined where the bytes are not of this encoding, or nobody knows it. */
function tryDecode(bytes: Uint8Array, encoding: string): string | undefined {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function languages(tags: string, encodings: readonly string[]): Record<string, readonly string[]> {
  return Object.fromEntries(tags.split(' ').map((tag) => [tag, encodings]));
}
