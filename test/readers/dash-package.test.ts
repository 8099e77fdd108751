import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import * as fc from '../fast-check.ts';
import { isAppError } from '../../src/errors.ts';
import { trackDurationTicks } from '../../src/media/presentation.ts';
import { readPackage } from '../../src/readers/read-package.ts';
import { fileSystemStore } from '../../src/storage/file-system.ts';
import { parseObjectKey } from '../../src/storage/object-key.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { requireTool } from '../tools.ts';
import { countPackets, makePackage, SOURCE, temporaryFolder } from './ffmpeg-package.ts';
import { memoryLibrary, SIGNAL } from './library.ts';

const ffmpeg = requireTool('ffmpeg');
const ffprobe = requireTool('ffprobe');

function read(store: ObjectStore, key: string) {
  return readPackage(store, { kind: 'dash', key: parseObjectKey(key) }, SIGNAL);
}

/** One video AdaptationSet with `content`, in a Period of 10 seconds. */
function mpd(content: string, attributes = 'mediaPresentationDuration="PT10S"'): string {
  const set = `<AdaptationSet mimeType="video/mp4" width="640" height="360" frameRate="25">${content}</AdaptationSet>`;
  return `<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" ${attributes}><Period>${set}</Period></MPD>`;
}

/** Two segments, and subtitles beside them. */
function period(n: number): string {
  const template = `<SegmentTemplate media="${n}-$Number$.m4s" initialization="${n}.mp4" duration="2"/>`;
  const video = `<AdaptationSet contentType="video" mimeType="video/mp4">${template}${ONE}</AdaptationSet>`;
  const text = `<AdaptationSet mimeType="text/vtt"><Representation id="t"><BaseURL>s${n}.vtt</BaseURL></Representation></AdaptationSet>`;
  return `<Period duration="PT4S">${video}${text}</Period>`;
}

const ONE = '<Representation id="r1" bandwidth="5000"/>';

/** The package of `text` in a library where every file exists that it names. */
async function readWith(text: string, files: readonly string[], bytes = 'x'.repeat(4000)) {
  return read(
    memoryLibrary({ 'p/main.mpd': text, ...Object.fromEntries(files.map((file) => [`p/${file}`, bytes])) }),
    'p/main.mpd',
  );
}

async function refuses(text: string, why: RegExp, files: readonly string[] = []): Promise<void> {
  await assert.rejects(readWith(text, files), (error) => {
    assert.ok(isAppError(error, 'package_invalid'), String(error));
    assert.match(error.message, why);
    return true;
  });
}

describe('DASH packages made by ffmpeg', { skip: ffmpeg.skip || ffprobe.skip }, () => {
  const flavours: Readonly<Record<string, string>> = {
    SegmentTimeline: '',
    'equal durations and numbers with leading zeros':
      '-use_timeline 0 -media_seg_name c-$RepresentationID$-$Number%05d$.m4s',
    'SegmentList with byte ranges': '-single_file 1 -use_template 0',
    'SegmentBase with an index': '-single_file 1 -global_sidx 1 -use_template 0',
  };
  for (const [name, options] of Object.entries(flavours)) {
    test(name, async () => {
      using folder = temporaryFolder();
      const output = `-map 0:v -map 1:a -f dash -seg_duration 2 ${options} main.mpd`;
      makePackage(ffmpeg, join(folder.path, 'one'), output);
      const info = await read(folder.store, 'one/main.mpd');
      const [video, audio] = info.presentation.tracks;
      assert.ok(video?.kind === 'video' && audio?.kind === 'audio');
      assert.deepEqual([video.width, video.height, video.frameRate], [320, 180, { num: 25, den: 1 }]);
      assert.equal(video.segments.length, 4);
      assert.equal(trackDurationTicks(video) / video.timescale, SOURCE.seconds);
      const media = info.media[video.id];
      assert.ok(media?.container === 'fmp4' && media.init !== undefined);
      assert.equal(await countPackets(ffprobe, folder, info, media), SOURCE.frames);
    });
  }
});

describe('DASH packages', () => {
  test('the sample: exact times on the clocks of its own media', async () => {
    const assets = fileSystemStore(join(import.meta.dirname, '..', '..', 'assets'));
    const info = await read(assets, 'Ready-made DASH/manifest.mpd');
    assert.deepEqual(
      info.presentation.tracks.map((track) => [track.id, track.timescale, trackDurationTicks(track)]),
      [
        ['v1', 30_000, 720_720],
        ['v2', 30_000, 720_720],
        ['a1', 48_000, 1_152_000],
      ],
    );
    assert.deepEqual(info.media['v1']?.init, { path: 'init-0.mp4' });
    assert.equal(info.files.length, 23);
  });

  test('templates, inheritance and a BaseURL at each level', async () => {
    const template =
      '<SegmentTemplate timescale="1000" media="$RepresentationID$/$Bandwidth$-$Number%03d$-$$.m4s" initialization="$RepresentationID$/i.mp4" duration="9999"/>';
    const content = `<BaseURL>set/</BaseURL>${template}<Representation id="r1" bandwidth="5000" codecs="avc1.64001e"><BaseURL>rep%20one/</BaseURL><SegmentTemplate startNumber="7" duration="4000"/></Representation>`;
    const text = mpd(content).replace(
      '<Period>',
      '<BaseURL>all/</BaseURL><Period><BaseURL>../period/</BaseURL>',
    );
    const folder = 'period/set/rep one/r1';
    const files = ['i.mp4', '5000-007-$.m4s', '5000-008-$.m4s', '5000-009-$.m4s'].map(
      (file) => `${folder}/${file}`,
    );
    const info = await readWith(text, files);
    const [track] = info.presentation.tracks;
    assert.deepEqual(
      track?.segments.map(({ durationTicks }) => durationTicks),
      [4000, 4000, 2000],
    );
    assert.deepEqual(
      info.media['v1']?.segments.map(({ path }) => path),
      files.slice(1),
    );
    assert.equal(track?.codecs, 'avc1.64001e');
  });

  test('a SegmentTimeline: repeats, to the end of the Period, $Time$, holes given to the segment before', async () => {
    const timeline =
      '<SegmentTimeline><S t="1000" d="2000" r="1"/><S t="6000" d="1000" r="-1"/></SegmentTimeline>';
    const template = `<SegmentTemplate timescale="1000" presentationTimeOffset="1000" media="$Time$.m4s" initialization="i.mp4">${timeline}</SegmentTemplate>`;
    const times = [1000, 3000, 6000, 7000, 8000, 9000, 10_000];
    const info = await readWith(mpd(template + ONE), ['i.mp4', ...times.map((time) => `${time}.m4s`)]);
    assert.deepEqual(
      info.presentation.tracks[0]?.segments.map(({ startTicks, durationTicks }) => [
        startTicks,
        durationTicks,
      ]),
      [[0, 2000], [2000, 3000], ...[5000, 6000, 7000, 8000, 9000].map((start) => [start, 1000])],
    );
    assert.deepEqual(
      info.media['v1']?.segments.map(({ path }) => path),
      times.map((time) => `${time}.m4s`),
    );
  });

  test('a SegmentList names ranges of one file', async () => {
    const list = `<SegmentList timescale="10" duration="60"><Initialization range="0-99"/><SegmentURL mediaRange="100-199"/><SegmentURL mediaRange="200-3999"/></SegmentList>`;
    const info = await readWith(
      mpd(`<Representation id="1" bandwidth="5"><BaseURL>all.mp4</BaseURL>${list}</Representation>`),
      ['all.mp4'],
    );
    assert.deepEqual(info.media['v1'], {
      container: 'fmp4',
      init: { path: 'all.mp4', range: { start: 0, end: 99 } },
      segments: [
        { path: 'all.mp4', range: { start: 100, end: 199 } },
        { path: 'all.mp4', range: { start: 200, end: 3999 } },
      ],
    });
    assert.deepEqual(
      info.presentation.tracks[0]?.segments.map(({ durationTicks }) => durationTicks),
      [60, 40],
    );
  });

  test('a SegmentBase without a readable index is one segment, played as it lies', async () => {
    const base = '<SegmentBase indexRange="100-199"/>';
    const info = await readWith(
      mpd(`<Representation id="1" bandwidth="5"><BaseURL>a.mp4</BaseURL>${base}</Representation>`),
      ['a.mp4'],
    );
    assert.deepEqual(info.media['v1'], { container: 'other', segments: [{ path: 'a.mp4' }] });
  });

  test('Periods follow one another; subtitles and thumbnails are files only', async () => {
    const files = [1, 2].flatMap((n) => [`${n}.mp4`, `${n}-1.m4s`, `${n}-2.m4s`, `s${n}.vtt`]);
    const info = await readWith(`<MPD>${period(1)}${period(2)}</MPD>`, files);
    assert.deepEqual(info.files.map(({ path }) => path).sort(), [...files, 'main.mpd'].sort());
    assert.deepEqual(
      info.media['v1']?.segments.map(({ path }) => path),
      ['1-1.m4s', '1-2.m4s', '2-1.m4s', '2-2.m4s'],
    );
    assert.equal(info.media['v1']?.container, 'other');
  });

  test('a last segment that only rounding asks for may be missing; any other may not', async () => {
    const text = mpd(
      `<SegmentTemplate media="$Number$.m4s" initialization="i.mp4" duration="5"/>${ONE}`,
      'mediaPresentationDuration="PT10.04S"',
    );
    const files = ['i.mp4', '1.m4s', '2.m4s'];
    const info = await readWith(text, files);
    assert.deepEqual([info.media['v1']?.segments.length, info.files.length], [2, 4]);
    const there = await readWith(text, [...files, '3.m4s']);
    assert.deepEqual([there.media['v1']?.segments.length, there.files.length], [3, 5]);
    await refuses(text, /lacks the file "p\/2.m4s"/, ['i.mp4', '1.m4s', '3.m4s']);
  });

  test('what is broken says so in one sentence', async () => {
    const template = (attributes: string) => mpd(`<SegmentTemplate ${attributes}/>${ONE}`);
    await refuses('<MPD><Period>', /not well-formed/);
    await refuses('', /not well-formed|empty/);
    await refuses('<html></html>', /root element/);
    await refuses('<MPD></MPD>', /no Representation/);
    await refuses(mpd(ONE, 'type="dynamic"'), /live/);
    await refuses('<!DOCTYPE MPD [<!ENTITY a "b">]><MPD>&a;</MPD>', /document type/);
    await refuses('<MPD>&nbsp;</MPD>', /not well-formed/);
    await refuses('<MPD><Period xlink:href="http://example.org/p" xmlns:xlink="x"/></MPD>', /lies elsewhere/);
    await refuses(`${'<MPD>'.repeat(100)}`, /too many elements/);
    await refuses(mpd(`<BaseURL>http://example.org/</BaseURL>${ONE}`), /absolute address/);
    await refuses(template('media="../../$Number$.m4s" duration="5"'), /leaves the library/);
    await refuses(template('media="$Number.m4s" duration="5"'), /template/);
    await refuses(template('media="$Nummer$.m4s" duration="5"'), /template/);
    await refuses(template('duration="5"'), /without media/);
    await refuses(template('media="$Number$.m4s"'), /without duration/);
    await refuses(template('media="$Number$.m4s" duration="1" timescale="1000000"'), /too many segments/);
    await refuses(template('media="$Number$.m4s" duration="0"'), /without a duration/);
    await refuses(template('media="$Number$.m4s" duration="-5"'), /cannot be read/);
    await refuses(mpd(ONE, 'mediaPresentationDuration="10 seconds"'), /cannot be read/);
    const endless =
      '<SegmentTemplate media="$Number$"><SegmentTimeline><S d="1" r="4000000000"/></SegmentTimeline></SegmentTemplate>';
    await refuses(mpd(endless + ONE), /too many segments/);
  });

  test('mutated MPDs are read or refused, nothing else', { timeout: 120_000 }, async () => {
    const timeline = '<SegmentTimeline><S t="0" d="2000" r="1"/><S d="1000" r="-1"/></SegmentTimeline>';
    const content = `<BaseURL>a/</BaseURL><SegmentTemplate timescale="1000" media="$Time$.m4s" initialization="$RepresentationID$.mp4">${timeline}</SegmentTemplate>${ONE}<Representation id="r2" bandwidth="9"><BaseURL>x.mp4</BaseURL><SegmentBase indexRange="20-90"/></Representation>`;
    const text = mpd(content);
    const replacement = fc.oneof(
      fc.string({ maxLength: 3 }),
      fc.constantFrom(
        '..',
        '/',
        '"',
        '<',
        '>',
        '&',
        '$',
        '-',
        '9'.repeat(9),
        '9'.repeat(20),
        'PT1S',
        '<S d="1" r="-1"/>',
      ),
    );
    const change = fc.tuple(fc.nat(text.length), fc.nat(12), replacement);
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), async (changes) => {
        let mutated = text;
        for (const [at, length, inserted] of changes)
          mutated = mutated.slice(0, at) + inserted + mutated.slice(at + length);
        try {
          await readWith(mutated, [
            'a/x.mp4',
            'a/r1.mp4',
            ...[0, 2000, 4000, 5000, 6000, 7000, 8000, 9000].map((t) => `a/${t}.m4s`),
          ]);
        } catch (error) {
          assert.ok(isAppError(error, 'package_invalid'), String(error));
        }
      }),
      { numRuns: 2000 },
    );
  });
});
