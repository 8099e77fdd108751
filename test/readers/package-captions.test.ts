/** Texts of packages: what their manifests say of them, and what becomes of them on the timeline of what is rewrapped. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isAppError } from '../../src/errors.ts';
import type { PackagedCaption, PackageInfo } from '../../src/media/package.ts';
import { packagedCaptionText } from '../../src/readers/package-captions.ts';
import { readPackage } from '../../src/readers/read-package.ts';
import { parseObjectKey } from '../../src/storage/object-key.ts';
import { memoryLibrary, SIGNAL } from './library.ts';

const CAPTION = { kind: 'subtitles', isDefault: false, isForced: false, manifestOriginSeconds: 0 } as const;

type Clock = {
  readonly format?: 'hls' | 'dash';
  /** What the clock of the manifest shows at presentation time 0. */
  readonly originSeconds?: number;
  readonly caption?: Partial<PackagedCaption>;
};

/** The text that is made of segments; without its header. */
async function textOf(segments: readonly (string | Uint8Array)[], clock: Clock = {}): Promise<string> {
  const { format = 'hls', originSeconds = 0, caption = {} } = clock;
  const paths = segments.map((_, index) => ({ path: `${index}.vtt` }));
  const library = memoryLibrary({
    'init.mp4': INIT,
    ...Object.fromEntries(segments.map((segment, index) => [`${index}.vtt`, segment])),
  });
  const place = { store: library, root: '', signal: SIGNAL };
  const rewrapped = { presentation: { tracks: [] }, sources: {}, originSeconds };
  const info = { format, rewrapped } as unknown as PackageInfo;
  const whole: PackagedCaption = { ...CAPTION, container: 'webvtt', segments: paths, ...caption };
  const text = await packagedCaptionText(place, info, whole);
  const [header, ...cues] = text.trim().split('\n\n');
  assert.equal(header, 'WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000');
  return cues.join(' | ').replaceAll('\n', ' ');
}

function vtt(cues: string, header = ''): string {
  return `WEBVTT\n${header}\n${cues}\n`;
}

const map = (clock: number, local: string): string => `X-TIMESTAMP-MAP=MPEGTS:${clock},LOCAL:${local}\n`;

describe('the text of a package', () => {
  test('lies where its header says, on the clock of the media', async () => {
    const cue = '00:01.000 --> 00:02.000\nHello';
    const at = (header: string, originSeconds: number) => textOf([vtt(cue, header)], { originSeconds });
    assert.equal(await at(map(900_000, '00:00:00.000'), 10), '00:00:01.000 --> 00:00:02.000 Hello');
    assert.equal(await at(map(990_000, '00:00:00.000'), 10), '00:00:02.000 --> 00:00:03.000 Hello');
    assert.equal(await at(map(990_000, '00:01.000'), 10), '00:00:01.000 --> 00:00:02.000 Hello');
    // 3.7 s before the clock begins anew, and 3 s after.
    const wrap = 2 ** 33;
    assert.equal(
      await at(map(270_000, '00:00.000'), (wrap - 333_000) / 90_000),
      '00:00:07.700 --> 00:00:08.700 Hello',
    );
    assert.equal(await at('', 1.4), '00:00:01.000 --> 00:00:02.000 Hello');
    // A header is one, a line of text is none.
    const spoken = `${cue}\n${map(990_000, '00:00.000').trim()}`;
    assert.match(await textOf([vtt(spoken)]), /^00:00:01\.000/);
  });

  test('is whole again where it was cut, and there once where it was repeated', async () => {
    const segments = [
      vtt('00:01.000 --> 00:06.000\nLong\n\n00:02.000 --> 00:03.000\nShort'),
      vtt('00:01.000 --> 00:06.000\nLong'),
      vtt(''),
      vtt('00:09.000 --> 00:10.000\nCut'),
      vtt('00:10.000 --> 00:11.500\nCut\n\n00:20.000 --> 00:21.000\nCut'),
    ];
    assert.equal(
      await textOf(segments),
      [
        '00:00:01.000 --> 00:00:06.000 Long',
        '00:00:02.000 --> 00:00:03.000 Short',
        '00:00:09.000 --> 00:00:11.500 Cut',
        '00:00:20.000 --> 00:00:21.000 Cut',
      ].join(' | '),
    );
  });

  test('in DASH counts from the start of the Period', async () => {
    const cue = vtt('01:41.000 --> 01:42.000\nHello');
    const clock = { format: 'dash', originSeconds: 1 } as const;
    assert.equal(
      await textOf([cue], { ...clock, caption: { manifestOriginSeconds: 90 } }),
      '00:00:10.000 --> 00:00:11.000 Hello',
    );
  });

  test('in MP4 is what its samples show', async () => {
    const hello = box(
      'vttc',
      box('iden', 'a'),
      box('sttg', 'line:0'),
      box('payl', 'Hello <i>you</i><script>'),
    );
    const segments = [
      fragment(2000, [
        [box('vtte'), 500],
        [hello, 1500],
      ]),
      fragment(4000, [
        [hello, 1000],
        [concat(box('vttc', box('payl', 'Two')), box('vttc', box('payl', 'at once'))), 1000],
      ]),
    ];
    assert.equal(
      await textOf(segments, {
        originSeconds: 1,
        caption: { container: 'fmp4', init: { path: 'init.mp4' } },
      }),
      [
        '00:00:01.500 --> 00:00:04.000 line:0 Hello <i>you</i>',
        '00:00:04.000 --> 00:00:05.000 Two',
        '00:00:04.000 --> 00:00:05.000 at once',
      ].join(' | '),
    );
  });

  test('is safe, whatever it holds, or refused', async () => {
    const hostile = vtt('00:01.000 --> 00:02.000 line:9 onload:x\n<img src=x onerror=y>Hi<b>\n\nNOTE --> x');
    assert.equal(await textOf([hostile]), '00:00:01.000 --> 00:00:02.000 line:9 Hi<b></b>');
    assert.equal(await textOf(['not a text', '']), '');
    for (const [caption, segment] of [
      [{ container: 'webvtt' }, 'WEBVTT\0'],
      [{ container: 'fmp4', init: { path: 'init.mp4' } }, 'no boxes'],
      [{ container: 'fmp4', init: { path: '0.vtt' } }, 'no boxes'],
    ] as const) {
      await assert.rejects(textOf([segment], { caption }), (error) => isAppError(error, 'source_damaged'));
    }
  });
});

const list = (...uris: string[]): string =>
  [
    '#EXTM3U',
    '#EXT-X-TARGETDURATION:4',
    ...uris.flatMap((uri) => ['#EXTINF:4,', uri]),
    '#EXT-X-ENDLIST',
  ].join('\n');

const scheme = 'schemeIdUri="urn:mpeg:dash:role:2011"';
const set = (attributes: string, inside: string, file: string): string =>
  `<AdaptationSet ${attributes}>${inside}<Representation id="${file}" bandwidth="5"><BaseURL>${file}</BaseURL></Representation></AdaptationSet>`;
const layout = (count: number): string =>
  `<AudioChannelConfiguration schemeIdUri="urn:mpeg:mpegB:cicp:ChannelConfiguration" value="${count}"/>`;

describe('what manifests say of texts and sounds', () => {
  test('HLS', async () => {
    const text = '#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="t"';
    const sound = '#EXT-X-MEDIA:TYPE=AUDIO';
    const info = await readPackage(
      memoryLibrary({
        'p/main.m3u8': [
          '#EXTM3U',
          `${text},NAME="English",LANGUAGE="eng",DEFAULT=YES,URI="en.m3u8"`,
          `${text},NAME="Signs",LANGUAGE="en",FORCED=YES,URI="signs.m3u8"`,
          `${text},NAME="For the deaf",CHARACTERISTICS="x, public.accessibility.transcribes-spoken-dialog",URI="cc.m3u8"`,
          `${text},NAME="Pictures",LANGUAGE="en",URI="pictures.m3u8"`,
          `${text},NAME="In MP4",LANGUAGE="sv",URI="mp4.m3u8"`,
          `${text},NAME="TTML in MP4",LANGUAGE="sv",URI="ttml.m3u8"`,
          `${sound},GROUP-ID="s",NAME="English Stereo",LANGUAGE="en",DEFAULT=YES,CHANNELS="2",URI="s-en.m3u8"`,
          `${sound},GROUP-ID="s",NAME="Described",LANGUAGE="en",CHARACTERISTICS="public.accessibility.describes-video",CHANNELS="2",URI="s-dv.m3u8"`,
          `${sound},GROUP-ID="s",NAME="Deutsch",LANGUAGE="de",CHANNELS="2",URI="s-de.m3u8"`,
          `${sound},GROUP-ID="m",NAME="English 5.1",LANGUAGE="en",DEFAULT=YES,CHANNELS="6",URI="m-en.m3u8"`,
          `${sound},GROUP-ID="m",NAME="Deutsch",LANGUAGE="de",CHANNELS="2",URI="s-de.m3u8"`,
          '#EXT-X-STREAM-INF:BANDWIDTH=9000,CODECS="avc1.64001f,mp4a.40.2",AUDIO="s",SUBTITLES="t"',
          'v.m3u8',
          '#EXT-X-STREAM-INF:BANDWIDTH=19000,CODECS="avc1.64001f,mp4a.40.2",AUDIO="m",SUBTITLES="t"',
          'v.m3u8',
        ].join('\n'),
        ...Object.fromEntries(
          ['v', 's-en', 's-dv', 's-de', 'm-en'].map((name) => [`p/${name}.m3u8`, list('x.ts')]),
        ),
        ...Object.fromEntries(
          ['en', 'signs', 'cc'].map((name) => [`p/${name}.m3u8`, list('1.vtt', '2.vtt')]),
        ),
        'p/pictures.m3u8': list('p.png'),
        'p/mp4.m3u8': list('1.m4s').replace('#EXTINF', '#EXT-X-MAP:URI="init.mp4"\n#EXTINF'),
        'p/ttml.m3u8': list('1.m4s').replace('#EXTINF', '#EXT-X-MAP:URI="stpp.mp4"\n#EXTINF'),
        'p/init.mp4': INIT,
        'p/stpp.mp4': Buffer.from(INIT.toString('latin1').replace('wvtt', 'stpp'), 'latin1'),
        'p/1.m4s': 'x',
        'p/x.ts': 'x',
        'p/1.vtt': vtt(''),
        'p/2.vtt': vtt(''),
        'p/p.png': 'x',
      }),
      { kind: 'hls', key: parseObjectKey('p/main.m3u8') },
      SIGNAL,
    );
    const segments = [{ path: '1.vtt' }, { path: '2.vtt' }];
    const base = { ...CAPTION, container: 'webvtt', segments } as const;
    assert.deepEqual(info.captions, [
      { ...base, language: 'en', title: 'English', isDefault: true },
      { ...base, language: 'en', title: 'Signs', isForced: true },
      { ...base, title: 'For the deaf', kind: 'captions' },
      {
        ...base,
        language: 'sv',
        title: 'In MP4',
        container: 'fmp4',
        init: { path: 'init.mp4' },
        segments: [{ path: '1.m4s' }],
      },
    ]);
    const sounds = info.presentation.tracks.filter((track) => track.kind === 'audio');
    assert.deepEqual(
      sounds.map(({ title, language, role, channels, isDefault, soundId }) => [
        title,
        language,
        role,
        channels,
        isDefault,
        soundId,
      ]),
      [
        ['English Stereo', 'en', undefined, 2, true, 's1'],
        ['Described', 'en', 'description', 2, false, 's2'],
        ['Deutsch', 'de', undefined, 2, false, 's3'],
        ['English 5.1', 'en', undefined, 6, true, 's1'],
      ],
    );
    // Nothing can be rewrapped, so no format needs the texts.
    assert.equal(info.rewrapped, undefined);
  });

  test('DASH', async () => {
    const text = 'contentType="text" mimeType="text/vtt"';
    const audio = 'mimeType="audio/mp4" codecs="mp4a.40.2"';
    const sets = [
      set('mimeType="video/mp4"', '', 'v.mp4'),
      set(`${audio} lang="en"`, `<Label>English</Label><Role ${scheme} value="main"/>${layout(2)}`, '1.mp4'),
      set(
        `${audio} lang="en"`,
        `<Label>English (5.1)</Label><Role ${scheme} value="main"/>${layout(6)}`,
        '2.mp4',
      ),
      set(`${audio} lang="en"`, `<Role ${scheme} value="commentary"/>${layout(2)}`, '3.mp4'),
      set(`${audio} lang="fr"`, layout(2), '4.mp4'),
      set(`${audio} lang="fr"`, layout(2), '5.mp4'),
      set(`${text} lang="de"`, `<Label>Deutsch</Label><Role ${scheme} value="caption"/>`, 'de.vtt'),
      set(text, `<Role ${scheme} value="forced-subtitle"/>`, 'forced.vtt'),
      set('mimeType="application/ttml+xml"', '', 'old.ttml'),
    ];
    const files = [...'12345v'].map((name) => `${name}.mp4`).concat('de.vtt', 'forced.vtt', 'old.ttml');
    const info = await readPackage(
      memoryLibrary({
        'p/main.mpd': `<MPD mediaPresentationDuration="PT10S"><Period>${sets.join('')}</Period></MPD>`,
        ...Object.fromEntries(files.map((file) => [`p/${file}`, 'x'])),
      }),
      { kind: 'dash', key: parseObjectKey('p/main.mpd') },
      SIGNAL,
    );
    const base = { ...CAPTION, container: 'webvtt' } as const;
    assert.deepEqual(info.captions, [
      { ...base, language: 'de', title: 'Deutsch', kind: 'captions', segments: [{ path: 'de.vtt' }] },
      { ...base, isForced: true, segments: [{ path: 'forced.vtt' }] },
    ]);
    const sounds = info.presentation.tracks.filter((track) => track.kind === 'audio');
    assert.deepEqual(
      sounds.map(({ title, language, role, channels, isDefault, soundId }) => [
        title,
        language,
        role,
        channels,
        isDefault,
        soundId,
      ]),
      [
        ['English', 'en', undefined, 2, true, 's1'],
        [undefined, 'en', 'commentary', 2, false, 's2'],
        [undefined, 'fr', undefined, 2, false, 's3'],
        [undefined, 'fr', undefined, 2, false, 's4'],
        ['English (5.1)', 'en', undefined, 6, true, 's1'],
      ],
    );
  });
});

function box(type: string, ...content: readonly (string | Uint8Array)[]): Buffer<ArrayBuffer> {
  const body = Buffer.concat(content.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)));
  const header = Buffer.alloc(8);
  header.writeUInt32BE(8 + body.length);
  header.write(type, 4, 'latin1');
  return Buffer.concat([header, body]);
}

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(parts);
}

/** Numbers of 32 bits. */
function words(...values: readonly number[]): Uint8Array {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, index) => bytes.writeUInt32BE(value, index * 4));
  return bytes;
}

/** A track of text, 1000 ticks a second (ISO/IEC 14496-30 7.5). */
const INIT = box(
  'moov',
  box(
    'trak',
    box('tkhd', words(0, 0, 0, 1, 0, 0), Buffer.alloc(60)),
    box(
      'mdia',
      box('mdhd', words(0, 0, 0, 1000, 0, 0)),
      box('hdlr', words(0, 0), 'text', Buffer.alloc(13)),
      box('minf', box('stbl', box('stsd', words(0, 1), box('wvtt', Buffer.alloc(8), box('vttC', 'WEBVTT'))))),
    ),
  ),
);

/** A segment of samples with their durations. */
function fragment(start: number, samples: readonly (readonly [Uint8Array, number])[]): Uint8Array {
  const table = samples.flatMap(([sample, duration]) => [duration, sample.length]);
  const moof = (offset: number): Uint8Array =>
    box(
      'moof',
      box('mfhd', words(0, 1)),
      box(
        'traf',
        box('tfhd', words(0x020000, 1)),
        box('tfdt', words(0, start)),
        box('trun', words(0x000301, samples.length, offset, ...table)),
      ),
    );
  return concat(moof(moof(0).length + 8), box('mdat', ...samples.map(([sample]) => sample)));
}
