import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import * as fc from '../fast-check.ts';
import { isAppError } from '../../src/errors.ts';
import { presentationDurationSeconds } from '../../src/media/presentation.ts';
import { readPackage } from '../../src/readers/read-package.ts';
import { parseObjectKey } from '../../src/storage/object-key.ts';
import { fileSystemStore } from '../../src/storage/file-system.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { requireTool } from '../tools.ts';
import { countPackets, makePackage, SOURCE, temporaryFolder } from './ffmpeg-package.ts';
import { memoryLibrary, SIGNAL } from './library.ts';

const ffmpeg = requireTool('ffmpeg');
const ffprobe = requireTool('ffprobe');

function read(store: ObjectStore, key: string) {
  return readPackage(store, { kind: 'hls', key: parseObjectKey(key) }, SIGNAL);
}

function playlist(...lines: string[]): string {
  return ['#EXTM3U', '#EXT-X-TARGETDURATION:4', ...lines, '#EXT-X-ENDLIST'].join('\n');
}

async function refuses(files: Record<string, string>, why: RegExp): Promise<void> {
  await assert.rejects(read(memoryLibrary(files), 'p/main.m3u8'), (error) => {
    assert.ok(isAppError(error, 'package_invalid'), String(error));
    assert.match(error.message, why);
    return true;
  });
}

describe('HLS packages made by ffmpeg', { skip: ffmpeg.skip || ffprobe.skip }, () => {
  test('fragmented MP4 in byte ranges of one file, picture and sound in groups', async () => {
    using folder = temporaryFolder();
    const options = '-hls_time 2 -hls_playlist_type vod -hls_segment_type fmp4 -hls_flags single_file';
    makePackage(
      ffmpeg,
      join(folder.path, 'ranges'),
      `-map 0:v -map 1:a -f hls ${options} -master_pl_name main.m3u8 stream_%v.m3u8`,
      ['-var_stream_map', 'a:0,agroup:sound,language:deu,default:yes v:0,agroup:sound'],
    );
    const info = await read(folder.store, 'ranges/main.m3u8');
    assert.deepEqual([info.root, info.entry, info.files.length], ['ranges', 'main.m3u8', 5]);
    const [video, audio] = info.presentation.tracks;
    assert.ok(video?.kind === 'video' && audio?.kind === 'audio' && info.presentation.tracks.length === 2);
    assert.deepEqual([video.width, video.height, video.frameRate], [320, 180, { num: 25, den: 1 }]);
    assert.deepEqual(
      [audio.language, audio.isDefault, audio.sampleRate, audio.channels],
      ['de', true, 48_000, 2],
    );
    assert.deepEqual([video.codecs.slice(0, 5), audio.codecs], ['avc1.', 'mp4a.40.2']);
    assert.equal(video.segments.length, 4);
    const media = info.media[video.id];
    assert.ok(
      media?.container === 'fmp4' && media.init !== undefined && media.segments[0]?.range !== undefined,
    );
    assert.equal(await countPackets(ffprobe, folder, info, media), SOURCE.frames);
  });

  test('a lone playlist of transport streams', async () => {
    using folder = temporaryFolder();
    makePackage(ffmpeg, join(folder.path, 'lone'), '-f hls -hls_time 2 -hls_list_size 0 video.m3u8');
    const info = await read(folder.store, 'lone/video.m3u8');
    const [track] = info.presentation.tracks;
    assert.ok(track?.kind === 'video' && info.media[track.id]?.container === 'mpegts');
    assert.deepEqual([track.width, track.height, track.frameRate], [320, 180, { num: 25, den: 1 }]);
    assert.match(track.codecs, /^avc1\.[0-9a-f]{6},mp4a\.40\.2$/);
    assert.ok(Math.abs(presentationDurationSeconds(info.presentation) - SOURCE.seconds) < 0.1);
    assert.equal(info.files.length, 1 + track.segments.length);
  });
});

describe('HLS packages', () => {
  test('the sample: two variants, each with its own sound', async () => {
    const assets = fileSystemStore(join(import.meta.dirname, '..', '..', 'assets'));
    const info = await read(assets, 'Ready-made HLS/main.m3u8');
    assert.equal(info.files.length, 15);
    assert.deepEqual(
      info.presentation.tracks.map((track) => [track.label, track.codecs, track.segments.length]),
      [
        ['720p', 'avc1.64001f,mp4a.40.2', 6],
        ['360p', 'avc1.64001e,mp4a.40.2', 6],
      ],
    );
    assert.equal(presentationDurationSeconds(info.presentation), 24.024);
    assert.deepEqual(info.media['v1']?.segments[5], { path: '720p/segment-5.ts' });
  });

  test('subtitles, I-frame playlists, keys and session data are files but no tracks; the root is above all', async () => {
    const segment = ['#EXTINF:4,', '../media/s.ts'];
    const info = await read(
      memoryLibrary({
        'p/lists/main.m3u8': [
          '#EXTM3U',
          '#EXT-X-SESSION-DATA:DATA-ID="a",URI="about.json"',
          '#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="s",NAME="English",URI="sub.m3u8"',
          '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="Inside"',
          '#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI="iframes.m3u8"',

          '#EXT-X-STREAM-INF:BANDWIDTH=9000,RESOLUTION=640x360,FRAME-RATE=29.970,SUBTITLES="s"',
          'v.m3u8',
        ].join('\n'),
        'p/lists/about.json': '{}',
        'p/lists/sub.m3u8': playlist('#EXTINF:4,', 'sub 1.vtt'.replace(' ', '%20')),
        'p/lists/sub 1.vtt': 'WEBVTT',
        'p/lists/iframes.m3u8': playlist(
          '#EXT-X-I-FRAMES-ONLY',
          '#EXTINF:4,',
          '#EXT-X-BYTERANGE:1@0',
          '../media/s.ts',
        ),
        'p/lists/v.m3u8': playlist('#EXT-X-KEY:METHOD=AES-128,URI="../keys/k"', ...segment),
        'p/keys/k': 'sixteen bytes...',
        'p/media/s.ts': 'x',
        'p/media/not-named.ts': 'x',
      }),
      'p/lists/main.m3u8',
    );
    assert.deepEqual([info.root, info.entry], ['p', 'lists/main.m3u8']);
    assert.deepEqual(info.files.map(({ path }) => path).sort(), [
      'keys/k',
      'lists/about.json',
      'lists/iframes.m3u8',
      'lists/main.m3u8',
      'lists/sub 1.vtt',
      'lists/sub.m3u8',
      'lists/v.m3u8',
      'media/s.ts',
    ]);
    const [track] = info.presentation.tracks;
    assert.ok(track?.kind === 'video' && info.presentation.tracks.length === 1);
    assert.deepEqual(track.frameRate, { num: 30_000, den: 1001 });
    assert.deepEqual(track.bitrate, { peakBitsPerSecond: 9000, averageBitsPerSecond: 9000 });
    // Encrypted: to be played as it lies, not to be rewrapped.
    assert.equal(info.media[track.id]?.container, 'other');
  });

  test('nothing that a browser would run is served as what it is', async () => {
    const files = {
      'main.m3u8': playlist('#EXTINF:4,', 'page.html', '#EXTINF:4,', 'x.svg'),
      'page.html': 'x',
      'x.svg': 'x',
    };
    const info = await read(memoryLibrary(files), 'main.m3u8');
    assert.deepEqual(
      [info.root, ...info.files.slice(1).map(({ mediaType }) => mediaType)],
      ['', 'application/octet-stream', 'application/octet-stream'],
    );
  });

  test('variants of one playlist are one track, and breaks in the timestamps keep it from being rewrapped', async () => {
    const info = await read(
      memoryLibrary({
        'p/main.m3u8':
          '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=2\nv.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=3\n./v.m3u8',
        'p/v.m3u8': playlist('#EXTINF:4,', 's.ts', '#EXT-X-DISCONTINUITY', '#EXTINF:2,', 's.ts'),
        'p/s.ts': 'x',
      }),
      'p/main.m3u8',
    );
    assert.equal(info.presentation.tracks.length, 1);
    assert.equal(info.media['v1']?.container, 'other');
    assert.deepEqual(info.presentation.tracks[0]?.segments[1], {
      index: 1,
      startTicks: 4e6,
      durationTicks: 2e6,
    });
  });

  test('what is broken says so in one sentence', async () => {
    const one = '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n';
    const segment = ['#EXTINF:4,', 's.ts'];
    await refuses({ 'p/main.m3u8': playlist(...segment) }, /lacks the file "p\/s.ts"/);
    await refuses({ 'p/main.m3u8': `${one}v.m3u8` }, /lacks the file "p\/v.m3u8"/);
    await refuses({ 'p/main.m3u8': `${one}main.m3u8` }, /names variants itself/);
    await refuses({ 'p/main.m3u8': `${one}http://example.org/v.m3u8` }, /absolute address/);
    await refuses({ 'p/main.m3u8': playlist('#EXTINF:4,', '../../s.ts') }, /leaves the library/);
    await refuses(
      { 'p/main.m3u8': playlist('#EXT-X-KEY:METHOD=AES-128,URI="https://k/1"', ...segment), 'p/s.ts': 'x' },
      /absolute/,
    );
    await refuses(
      { 'p/main.m3u8': playlist('#EXTINF:4,', '#EXT-X-BYTERANGE:5@0', 's.ts'), 'p/s.ts': 'four' },
      /shorter/,
    );
    await refuses(
      { 'p/main.m3u8': playlist(...segment).replace('#EXT-X-ENDLIST', ''), 'p/s.ts': 'x' },
      /ENDLIST/,
    );
    await refuses({ 'p/main.m3u8': 'x'.repeat(8 * 1024 * 1024 + 1) }, /larger than 8 MB/);
  });

  test('a missing manifest is the store’s to report, and giving up is passed on', async () => {
    await assert.rejects(read(memoryLibrary({}), 'main.m3u8'), (error) =>
      isAppError(error, 'object_not_found'),
    );
  });

  test('mutated packages are read or refused, nothing else', async () => {
    const files = {
      'p/main.m3u8': [
        '#EXTM3U',
        '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="A",URI="a.m3u8"',
        '#EXT-X-STREAM-INF:BANDWIDTH=1,RESOLUTION=64x64,AUDIO="a",CODECS="avc1.64001e,mp4a.40.2"',
        'v.m3u8',
      ].join('\n'),
      'p/v.m3u8': playlist(
        '#EXT-X-MAP:URI="s.mp4",BYTERANGE="2@0"',
        '#EXTINF:4,',
        '#EXT-X-BYTERANGE:2@2',
        's.mp4',
      ),
      'p/a.m3u8': playlist('#EXTINF:4,', 's.aac'),
      'p/s.mp4': 'abcdefgh',
      'p/s.aac': 'abcd',
    };
    await read(memoryLibrary(files), 'p/main.m3u8');
    const name = fc.constantFrom<keyof typeof files>('p/main.m3u8', 'p/v.m3u8', 'p/a.m3u8');
    const replacement = fc.oneof(
      fc.string({ maxLength: 3 }),
      fc.constantFrom('..', '/', '%', '"', '\n', '9'.repeat(20), 'v.m3u8'),
    );
    const change = fc.tuple(name, fc.nat(400), fc.nat(20), replacement);
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), async (changes) => {
        const mutated: Record<string, string> = { ...files };
        for (const [key, at, length, text] of changes) {
          const old = mutated[key] ?? '';
          mutated[key] = old.slice(0, at % old.length) + text + old.slice((at % old.length) + length);
        }
        try {
          await read(memoryLibrary(mutated), 'p/main.m3u8');
        } catch (error) {
          assert.ok(isAppError(error, 'package_invalid'), String(error));
        }
      }),
      { numRuns: 2000 },
    );
  });
});
