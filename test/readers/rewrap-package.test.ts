/** Packages of all shapes, rewrapped to CMAF in front of FFmpeg: the same frames, from 0, without gaps. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { writeAdts } from '../../src/containers/aac/adts.ts';
import { parseInitSegment } from '../../src/containers/isobmff/parse-init-segment.ts';
import { parseMediaSegment } from '../../src/containers/isobmff/parse-media-segment.ts';
import { isAppError } from '../../src/errors.ts';
import type { PackageInfo } from '../../src/media/package.ts';
import type { Track } from '../../src/media/presentation.ts';
import { packagedKeyframes } from '../../src/readers/package-keyframes.ts';
import { readPackage } from '../../src/readers/read-package.ts';
import { rewrappedInit, rewrappedSegment } from '../../src/readers/rewrap-package.ts';
import { packedAudioSamples } from '../../src/readers/samples/packed-audio-samples.ts';
import { parseObjectKey } from '../../src/storage/object-key.ts';
import { requireTool } from '../tools.ts';
import { type Folder, temporaryFolder } from './ffmpeg-package.ts';

const ffmpeg = requireTool('ffmpeg');
const FRAMES = 200;
const FRAME_SECONDS = 1 / 25;

/** How ffmpeg packs the one source; the manifest's name comes last. */
const SHAPES: Readonly<Record<string, string>> = {
  'MPEG-TS with the sound inside': '-f hls -hls_time 2 -hls_playlist_type vod index.m3u8',
  'MPEG-TS whose clock begins anew':
    '-output_ts_offset 95440 -f hls -hls_time 2 -hls_playlist_type vod index.m3u8',
  'MPEG-TS in one file': '-f hls -hls_time 2 -hls_playlist_type vod -hls_flags single_file index.m3u8',
  'fMP4 with the sound inside': '-f hls -hls_time 2 -hls_playlist_type vod -hls_segment_type fmp4 index.m3u8',
  'fMP4 with negative composition offsets':
    '-f hls -hls_time 2 -hls_playlist_type vod -hls_segment_type fmp4 -hls_segment_options movflags=+negative_cts_offsets index.m3u8',
  'DASH in numbered segments': '-f dash -seg_duration 2 index.mpd',
  'DASH in one file for each track': '-f dash -seg_duration 2 -single_file 1 index.mpd',
  'DASH whose media begins at 100 s': '-copyts -output_ts_offset 100 -f dash -seg_duration 2 index.mpd',
  'pictures alone': '-an -f hls -hls_time 2 -hls_playlist_type vod index.m3u8',
};

describe('rewrapped packages', { skip: ffmpeg.skip }, () => {
  let folder: Folder;
  let source: string;
  let expected: readonly string[];

  before(() => {
    folder = temporaryFolder();
    source = join(folder.path, 'source.mp4');
    run(
      `-y -f lavfi -i testsrc2=size=320x180:rate=25:duration=8 -f lavfi -i sine=frequency=440:sample_rate=44100:duration=8
       -c:v libx264 -preset ultrafast -bf 2 -g 50 -sc_threshold 0 -pix_fmt yuv420p -c:a aac -ac 2 ${source}`,
    );
    expected = pictures(source);
    assert.equal(expected.length, FRAMES);
  });

  after(() => folder[Symbol.dispose]());

  for (const [name, output] of Object.entries(SHAPES)) {
    test(name, async () => {
      const info = await packed(name.replaceAll(/\W/g, '-'), output);
      const tracks = info.rewrapped?.presentation.tracks ?? [];
      const hasSound = !output.includes('-an ');
      assert.deepEqual(
        tracks.map(({ kind }) => kind),
        hasSound ? ['video', 'audio'] : ['video'],
      );
      const numbers = tracks.map(({ id }) => info.rewrapped?.sources[id]?.trackNumber);
      assert.equal(new Set(numbers).size, tracks.length);
      for (const track of tracks) await assertWhole(info, track);
    });
  }

  test('the keyframes of some segments are a small film of their own', async () => {
    const info = await packed('keyframes', SHAPES['MPEG-TS with the sound inside']!);
    const place = { store: folder.store, root: info.root, signal: new AbortController().signal };
    const bytes = await packagedKeyframes(place, info, 'v1', [1, 3]);
    const file = join(folder.path, 'keyframes.mp4');
    writeFileSync(file, bytes);
    // FFmpeg begins the times of a fragmented file that begins later at its first fragment.
    const found = pictures(file).map((line) => line.split(' '));
    const [first] = found;
    assert.deepEqual(
      found.map(([time, hash]) => [Number(time) - Number(first?.[0]), hash]),
      [50, 150].map((frame) => [frame - 50, expected[frame]!.split(' ')[1]]),
    );
    await assert.rejects(packagedKeyframes(place, info, 'v1', [99]), (error) =>
      isAppError(error, 'source_damaged'),
    );
  });

  test('what is encrypted, and what is damaged behind its manifest, plays as it lies', async () => {
    const info = await packed('whole', SHAPES['MPEG-TS with the sound inside']!);
    const at = join(folder.path, 'broken');
    mkdirSync(at);
    const playlist = readFileSync(join(folder.path, 'whole', 'index.m3u8'), 'utf8');
    for (const { path } of info.media['v1']!.segments)
      writeFileSync(join(at, path), new Uint8Array(5000).fill(path.includes('2') ? 0x47 : 7));
    writeFileSync(join(at, 'index.m3u8'), playlist);
    writeFileSync(
      join(folder.path, 'whole', 'locked.m3u8'),
      playlist.replace('#EXTINF', '#EXT-X-KEY:METHOD=AES-128,URI="index0.ts"\n#EXTINF'),
    );
    for (const key of ['broken/index.m3u8', 'whole/locked.m3u8']) {
      const found = await read(key);
      assert.equal(found.rewrapped, undefined);
      assert.ok(found.presentation.tracks.length > 0);
    }
  });

  async function packed(name: string, output: string): Promise<PackageInfo> {
    const at = join(folder.path, name);
    mkdirSync(at);
    const words = output.split(' ');
    const manifest = words.pop()!;
    run(`-i ${source} -c copy ${words.join(' ')} ${join(at, manifest)}`, at);
    return read(`${name}/${manifest}`);
  }

  function read(path: string): Promise<PackageInfo> {
    const kind = path.endsWith('.mpd') ? 'dash' : 'hls';
    return readPackage(folder.store, { kind, key: parseObjectKey(path) }, new AbortController().signal);
  }

  /** The segments tile the track, each begins where it should, and the decoded frames are the source's. */
  async function assertWhole(info: PackageInfo, track: Track): Promise<void> {
    const place = { store: folder.store, root: info.root, signal: new AbortController().signal };
    const init = await rewrappedInit(place, info, track.id);
    const { leadTicks } = info.rewrapped!.sources[track.id]!;
    const bytes: Uint8Array[] = [init!];
    let [end, decodeEnd] = [0, 0];
    for (const { index, startTicks, durationTicks } of track.segments) {
      assert.equal(startTicks, end);
      end += durationTicks;
      const segment = (await rewrappedSegment(place, info, track.id, index))!;
      const [{ baseMediaDecodeTime, samples }] = parseMediaSegment(segment) as [
        ReturnType<typeof parseMediaSegment>[number],
      ];
      if (index > 0) assert.equal(baseMediaDecodeTime, startTicks + leadTicks);
      if (index > 0) assert.equal(baseMediaDecodeTime, decodeEnd);
      assert.ok(samples[0]!.isSync);
      decodeEnd = samples.at(-1)!.decodeTimeTicks + samples.at(-1)!.durationTicks;
      bytes.push(segment);
    }
    assert.equal(await rewrappedSegment(place, info, track.id, track.segments.length), undefined);
    assert.ok(Math.abs(end / track.timescale - FRAMES * FRAME_SECONDS) < 0.05, `${end / track.timescale} s`);
    const [parsed] = parseInitSegment(init!);
    assert.equal(parsed?.codecs, track.codecs);
    const file = join(folder.path, 'joined.mp4');
    writeFileSync(file, Buffer.concat(bytes));
    if (track.kind === 'video') assert.deepEqual(pictures(file), expected);
    else assert.equal(run(`-i ${file} -f null -`), '');
  }
});

test('packed audio says its time in an ID3 tag', () => {
  const config = { objectType: 2, frequencyIndex: 4, channelConfiguration: 2 };
  const frames = Array.from({ length: 5 }, (_, i) => new Uint8Array(20).fill(i + 1));
  const owner = Buffer.from('com.apple.streaming.transportStreamTimestamp\0', 'latin1');
  const time = Buffer.alloc(8);
  time.writeBigUInt64BE(2n ** 32n + 90_000n);
  const frameBytes = owner.length + time.length;
  const tag = Buffer.concat([
    Buffer.from([0x49, 0x44, 0x33, 4, 0, 0, 0, 0, 0, frameBytes + 10]),
    Buffer.from([0x50, 0x52, 0x49, 0x56, 0, 0, 0, frameBytes, 0, 0]),
    owner,
    time,
  ]);
  const [stream] = packedAudioSamples(Buffer.concat([tag, writeAdts(config, frames)]));
  const start = Math.round(((2 ** 32 + 90_000) * 44_100) / 90_000);
  assert.deepEqual(
    stream!.samples.map(({ decodeTicks, data }) => [decodeTicks - start, data[0]]),
    [0, 1, 2, 3, 4].map((i) => [i * 1024, i + 1]),
  );
  assert.throws(() => packedAudioSamples(writeAdts(config, frames)));
});

/** Hash and time of each decoded picture. */
function pictures(file: string): readonly string[] {
  return run(`-i ${file} -map 0:v:0 -enc_time_base 1:25 -fps_mode passthrough -f framemd5 -`)
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(',').map((field) => field.trim()))
    .map(([, , time, , , hash]) => `${time} ${hash}`);
}

function run(options: string, cwd?: string): string {
  const words = options.trim().split(/\s+/);
  return execFileSync(ffmpeg.path, ['-v', 'error', ...words], {
    encoding: 'utf8',
    maxBuffer: 1e8,
    ...(cwd === undefined ? {} : { cwd }),
  });
}
