/**
 * Ready-made packages in the formats that they do not come in: from unchanged files, the same frames at the same
 * times, with all their sounds and texts. The server runs; FFmpeg judges.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { readPlaylist } from '../formats/manifest-readers.ts';
import { requireTool } from '../tools.ts';
import { skipWithoutFfmpeg } from './judge.ts';
import {
  type ApiVideo,
  ASSETS,
  type RealServer,
  serverFolders,
  type ServerFolders,
  startServer,
} from './real-server.ts';
import { dashTracks } from './served-tracks.ts';

const ffmpeg = requireTool('ffmpeg');
const ffprobe = requireTool('ffprobe');
const FRAMES = 720;
const FRAME_SECONDS = 1001 / 30_000;
const AAC_FRAME_SECONDS = 1024 / 48_000;

describe('packages in other formats', { skip: skipWithoutFfmpeg, timeout: 120_000 }, () => {
  const cleanUp = new AsyncDisposableStack();
  let folders: ServerFolders;
  let server: RealServer;
  let hls: ApiVideo;
  let dash: ApiVideo;
  /** By their own manifests: judged once. */
  const judgedOwn = new Map<ApiVideo, Judged>();
  /** fMP4 in byte ranges, with three sounds and two texts. */
  let ranges: ApiVideo;

  before(async () => {
    folders = cleanUp.use(await serverFolders());
    for (const name of ['Ready-made HLS', 'Ready-made DASH'])
      await cp(join(ASSETS, name), join(folders.library, name), { recursive: true });
    await makeRanges(join(folders.library, 'Ranges'));
    server = cleanUp.use(await startServer(folders));
    hls = await server.video('Ready-made HLS/main.m3u8');
    dash = await server.video('Ready-made DASH/manifest.mpd');
    ranges = await server.video('Ranges/main.m3u8');
  });

  after(() => cleanUp.disposeAsync());

  test('every format is offered, and the own one lies where it lies', async () => {
    for (const video of [hls, dash]) {
      const { playback } = video;
      assert.ok(playback.hls && playback.dash && playback.hlsTs, JSON.stringify(playback));
    }
    const own = await fetch(hls.playback.hls!);
    assert.match(own.url, /\/package\/[0-9a-f]+\/main\.m3u8$/);
    assert.match((await fetch(dash.playback.dash!)).url, /\/package\/[0-9a-f]+\/manifest\.mpd$/);
    assert.equal((await fetch(new URL('hls/v1.m3u8', new URL('../', hls.playback.hls)))).status, 404);
  });

  for (const [name, own, others] of [
    ['HLS', 'hls', ['dash', 'hlsTs']],
    ['DASH', 'dash', ['hls', 'hlsTs']],
  ] as const) {
    test(`the frames of the ${name} package are the same in every format, and so is its sound`, async () => {
      const video = own === 'hls' ? hls : dash;
      const [expected, ...found] = await Promise.all(
        [own, ...others].map((format) => judged(video.playback[format]!)),
      );
      judgedOwn.set(video, expected!);
      assert.equal(expected!.pictures.length, FRAMES);
      for (const { pictures, sounds, soundOffset } of found) {
        assert.deepEqual(pictures, expected!.pictures);
        assert.deepEqual(sounds, expected!.sounds);
        assert.ok(Math.abs(soundOffset - expected!.soundOffset) < 0.001, `${soundOffset}`);
      }
    });
  }

  test('as a plain MP4, a package has the frames and the sound of its own manifest', async () => {
    for (const video of [hls, dash, ranges]) {
      const { url } = video.playback.mp4!.at(-1)!;
      const front = Buffer.from(
        await (await fetch(url, { headers: { Range: 'bytes=0-99999' } })).arrayBuffer(),
      );
      const [moov, mdat, moof] = ['moov', 'mdat', 'moof'].map((type) => front.indexOf(type, 0, 'latin1'));
      assert.ok(moov! > 0 && (mdat === -1 || moov! < mdat!) && moof === -1, `${moov} ${mdat} ${moof}`);
      const expected = judgedOwn.get(video) ?? (await judged(video.playback.hls!));
      const found = await judged(url, '0:v:0');
      assert.equal(found.pictures.length, FRAMES);
      assert.deepEqual(found.pictures, expected.pictures);
      // What an encoder put before the beginning, its edit list leaves out.
      const cut = expected.sounds.length - found.sounds.length;
      assert.ok(cut === 0 || cut === 1, `${cut} frames of sound are missing`);
      assert.deepEqual(found.sounds, expected.sounds.slice(cut));
      const offset = expected.soundOffset + cut * AAC_FRAME_SECONDS;
      assert.ok(Math.abs(found.soundOffset - offset) < 0.001, `${found.soundOffset}, not ${offset}`);
    }
  });

  test('every sound of a package is in every format, surround as a layout of its own', async () => {
    const mpd = await text(new URL(ranges.playback.dash!));
    const sets = mpd.split('<AdaptationSet').filter((set) => set.includes('contentType="audio"'));
    const said = sets.map((set) =>
      [/ lang="(.*?)"/, /<Label>(.*?)</, /Role .*?value="(.*?)"/, /Configuration.*?value="(.*?)"/].map(
        (pattern) => pattern.exec(set)?.[1],
      ),
    );
    assert.deepEqual(said, [
      ['en', 'English', 'main', '2'],
      ['de', 'Deutsch', 'alternate', '2'],
      ['en', 'English', 'main', '6'],
    ]);
    const transport = await text(new URL(ranges.playback.hlsTs!));
    const sounds = transport.split('\n').filter((line) => line.includes('TYPE=AUDIO'));
    assert.deepEqual(
      sounds.map((line) => [/NAME="(.*?)"/.exec(line)?.[1], /DEFAULT=(\w+)/.exec(line)?.[1]]),
      [
        ['English', 'YES'],
        ['Deutsch', 'NO'],
      ],
    );
    assert.deepEqual(await soundsOf(ranges.playback.mp4![0]!.url), ['eng 2', 'deu 2', 'eng 6']);
  });

  test('the texts of a package are listed and go with every format, at their times', async () => {
    const listed = ranges.captions.map(({ language, label, kind, isDefault, isForced, origin }) =>
      [language, label, kind, isDefault, isForced, origin].join(' '),
    );
    assert.deepEqual(listed, [
      'en English subtitles true false source',
      'de Deutsch captions false false source',
    ]);
    const english = await text(new URL(ranges.captions[0]!.url));
    assert.match(
      english,
      /\n00:00:01\.000 --> 00:00:02\.000\nOne\n\n00:00:03\.000 --> 00:00:05\.000\n<i>Two<\/i>\n$/,
    );
    assert.match(
      await text(new URL(ranges.captions[1]!.url)),
      /\n00:00:07\.000 --> 00:00:08\.000\nSieben\n$/,
    );
    const mpd = await text(new URL(ranges.playback.dash!));
    assert.equal(mpd.match(/contentType="text"/g)?.length, 2);
    assert.match(await text(new URL(ranges.playback.hlsTs!)), /TYPE=SUBTITLES.*LANGUAGE="de"/);
    // Its own playlists are what they were.
    const own = await fetch(ranges.playback.hls!);
    assert.equal(await own.text(), MAIN);
  });

  test('timelines have neither gaps nor overlaps, and end with the picture', async () => {
    const tracks = await dashTracks(hls.playback.dash!);
    assert.equal(tracks.length, 3);
    for (const { id, segments } of tracks) {
      const seconds = segments.reduce((sum, segment) => sum + segment.seconds, 0);
      assert.ok(Math.abs(seconds - FRAMES * FRAME_SECONDS) < 0.05, `${id} lasts ${seconds} s`);
    }
    const playlist = await text(new URL('v1.m3u8', dash.playback.hls));
    assert.equal(readPlaylist(playlist).durations.length, 6);
  });

  test('nothing in the library has changed', async () => {
    for (const name of ['Ready-made HLS', 'Ready-made DASH'])
      assert.deepEqual(await digests(join(folders.library, name)), await digests(join(ASSETS, name)));
  });
});

const MAIN = `#EXTM3U
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="stereo",NAME="English",LANGUAGE="en",DEFAULT=YES,CHANNELS="2",URI="en.m3u8"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="stereo",NAME="Deutsch",LANGUAGE="deu",CHANNELS="2",URI="de.m3u8"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="more",NAME="English",LANGUAGE="en",DEFAULT=YES,CHANNELS="6",URI="more.m3u8"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="more",NAME="Deutsch",LANGUAGE="deu",CHANNELS="2",URI="de.m3u8"
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="texts",NAME="English",LANGUAGE="en",DEFAULT=YES,URI="text-en.m3u8"
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="texts",NAME="Deutsch",LANGUAGE="de",CHARACTERISTICS="public.accessibility.transcribes-spoken-dialog",URI="text-de.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=900000,CODECS="avc1.64001e,mp4a.40.2",AUDIO="stereo",SUBTITLES="texts"
v.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=1200000,CODECS="avc1.64001e,mp4a.40.2",AUDIO="more",SUBTITLES="texts"
v.m3u8
`;

/** A package of the lower quality of another one. */
async function makeRanges(folder: string): Promise<void> {
  await mkdir(folder);
  const how = {
    v: '-map 0:v -c copy',
    en: '-map 0:a -c:a aac',
    de: '-map 0:a -c:a aac',
    more: '-map 0:a -ac 6 -c:a aac',
  };
  const options = '-f hls -hls_time 4 -hls_playlist_type vod -hls_segment_type fmp4 -hls_flags single_file';
  const outputs = Object.entries(how).flatMap(([name, codec]) => [
    ...`${codec} ${options}`.split(' '),
    join(folder, `${name}.m3u8`),
  ]);
  await run(['-i', join(ASSETS, 'Ready-made HLS', '360p', 'index.m3u8'), ...outputs]);
  await writeFile(join(folder, 'main.m3u8'), MAIN);
  const cues = {
    'en-0': ['00:01.000 --> 00:02.000\nOne', '00:03.000 --> 00:04.000\n<i>Two</i>'],
    'en-1': ['00:04.000 --> 00:05.000\n<i>Two</i>'],
    de: ['00:07.000 --> 00:08.000\nSieben'],
  };
  for (const [name, lines] of Object.entries(cues))
    await writeFile(join(folder, `text-${name}.vtt`), ['WEBVTT', ...lines].join('\n\n'));
  for (const [language, names] of [
    ['en', ['en-0', 'en-1']],
    ['de', ['de']],
  ] as const) {
    const segments = names.flatMap((name) => ['#EXTINF:4,', `text-${name}.vtt`]);
    const lines = ['#EXTM3U', '#EXT-X-TARGETDURATION:4', ...segments, '#EXT-X-ENDLIST'];
    await writeFile(join(folder, `text-${language}.m3u8`), lines.join('\n'));
  }
}

/** Language and channels of each sound, as FFmpeg finds them. */
async function soundsOf(url: string): Promise<readonly string[]> {
  const entries = [
    '-select_streams',
    'a',
    '-show_entries',
    'stream=channels:stream_tags=language',
    '-of',
    'json',
  ];
  const output = await run([...entries, url], ffprobe.path);
  const { streams } = JSON.parse(output) as { streams: { channels: number; tags: { language: string } }[] };
  return streams.map(({ channels, tags }) => `${tags.language} ${channels}`);
}

type Judged = {
  /** Hashes of all frames, with their times since the first. */
  readonly pictures: readonly string[];
  readonly sounds: readonly string[];
  /** By so much the sound begins after the picture. */
  readonly soundOffset: number;
};

/** Of the lower quality, which comes second in all of these manifests. */
async function judged(url: string, picture = '0:v:1'): Promise<Judged> {
  // FFmpeg does not take the links of a redirected MPD from where it lies.
  const { url: place } = await fetch(url);
  const lower = ['-map', picture, '-map', '0:a:0', '-enc_time_base:v', '1:30000'];
  const frames = (await run(['-i', place, ...lower, '-f', 'framemd5', '-']))
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(',').map((field) => field.trim()))
    .map(([stream, , time, , , hash]) => ({ stream, time: Number(time), hash: hash! }));
  const pictures = frames.filter(({ stream }) => stream === '0');
  const sounds = frames.filter(({ stream }) => stream === '1');
  const [first, sound] = [pictures[0]!.time, sounds[0]!.time];
  return {
    pictures: pictures.map(({ time, hash }) => `${time - first} ${hash}`),
    sounds: sounds.map(({ hash }) => hash),
    soundOffset: sound / 48_000 - first / 30_000,
  };
}

async function digests(folder: string): Promise<readonly string[]> {
  const names = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) =>
    entry.isFile(),
  );
  return Promise.all(
    names
      .map(({ parentPath, name }) => join(parentPath, name))
      .toSorted()
      .map(
        async (path) =>
          `${path.slice(folder.length)} ${createHash('sha256')
            .update(await readFile(path))
            .digest('hex')}`,
      ),
  );
}

async function text(url: URL): Promise<string> {
  return (await fetch(url)).text();
}

/** What FFmpeg says of any playlist with texts: it reads none. */
const UNSUPPORTED = /Can't support the subtitle/;

/** Any other complaint of FFmpeg fails. */
async function run(options: readonly string[], program = ffmpeg.path): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  execFile(program, ['-v', 'warning', ...options], { maxBuffer: 1e8 }, (error, stdout, stderr) => {
    const complaints = stderr.split('\n').filter((line) => line !== '' && !UNSUPPORTED.test(line));
    if (error === null && complaints.length === 0) resolve(stdout);
    else reject(error ?? new Error(`${program} ${options.join(' ')}: ${stderr}`));
  });
  return promise;
}
