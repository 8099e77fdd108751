import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from '../fast-check.ts';
import { SNIFF_BYTES, sniffContainer } from '../../src/containers/sniff.ts';

function bytes(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

function transportStream(first: number, step: number): Uint8Array {
  const head = new Uint8Array(step * 5);
  for (let offset = first; offset < head.length; offset += step) head[offset] = 0x47;
  return head;
}

const adtsFrame = Uint8Array.of(0xff, 0xf1, 0x50, 0x80, 0x01, 0x7f, 0xfc, 0, 0, 0, 0, 0xff, 0xf1);

const known = [
  ['mov', bytes('\0\0\0\x20ftypisom')],
  ['mov', bytes('\0\0\0\x08wide\0\0\0\0mdat')],
  ['matroska', bytes('\x1a\x45\xdf\xa3\x01')],
  ['avi', bytes('RIFF\0\0\0\0AVI LIST')],
  ['wav', bytes('RIFF\0\0\0\0WAVEfmt ')],
  ['flv', bytes('FLV\x01\x05')],
  ['ogg', bytes('OggS\0')],
  ['flac', bytes('fLaC\0')],
  ['mp3', bytes('ID3\x04')],
  ['mp3', Uint8Array.of(0xff, 0xfb, 0x90, 0x64)],
  ['aac', adtsFrame],
  ['mpeg', bytes('\0\0\x01\xba')],
  ['dv', bytes('\x1f\x07\x00\xbf')],
  ['rm', bytes('.RMF\0\0')],
  ['gif', bytes('GIF89a')],
  ['apng', bytes('\x89PNG\r\n\x1a\n\0\0\0\x01IHDR?crc.\0\0\0\x01acTL')],
  ['webp_anim', bytes('RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\x02')],
  ['mpegts', transportStream(0, 188)],
  ['mpegts', transportStream(4, 192)],
] as const;

for (const [container, head] of known) {
  test(`${container} is known by ${[...head.subarray(0, 12)].map((byte) => byte.toString(16)).join(' ')}`, () => {
    assert.equal(sniffContainer(head), container);
  });
}

const refused = {
  'an HLS playlist': '#EXTM3U\n#EXT-X-VERSION:3\n',
  'an MPD': '<?xml version="1.0"?><MPD></MPD>',
  'a concat script': 'ffconcat version 1.0\nfile x\n',
  SDP: 'v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\n',
  subtitles: 'WEBVTT\n\n00:00.000 --> 00:01.000\nhello\n',
  'a web page': '<!doctype html><html>',
  'a PNG': '\x89PNG\r\n\x1a\n',
  'a PNG that does not move': '\x89PNG\r\n\x1a\n\0\0\0\x01IHDR?crc.\0\0\0\x01IDAT?crc.\0\0\0\x01acTL',
  'a WebP that does not move': 'RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\x10',
  nothing: '',
};

for (const [name, text] of Object.entries(refused)) {
  test(`${name} is not media`, () => assert.equal(sniffContainer(bytes(text)), undefined));
}

test('text is never media, whatever it says', () => {
  const line = fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 80 });
  fc.assert(
    fc.property(fc.array(line, { minLength: 1 }), (lines) => {
      const text = `#${lines.join('\n')}`;
      assert.equal(sniffContainer(bytes(text).subarray(0, SNIFF_BYTES)) ?? 'mov', 'mov');
    }),
  );
});
