/** Segments of hls-ts in front of FFmpeg, which knows the rules of transport streams and complains. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { parseInitSegment } from '../../src/containers/isobmff/parse-init-segment.ts';
import { parseMediaSegment } from '../../src/containers/isobmff/parse-media-segment.ts';
import { writeMediaSegment } from '../../src/containers/isobmff/write-media-segment.ts';
import { PACKET_BYTES } from '../../src/containers/mpegts/packet.ts';
import { transportSegment } from '../../src/formats/hls-ts/segment.ts';
import type { AudioTrack, VideoTrack } from '../../src/media/presentation.ts';
import { type ServedPresentation, servePresentation } from '../e2e/served-presentation.ts';
import { type EncodedTrack, encodeAudioTrack, encodeVideoTrack } from '../encoded-track.ts';
import { requireTool } from '../tools.ts';
import { readPlaylist } from './manifest-readers.ts';

const ffmpeg = requireTool('ffmpeg');
const ffprobe = requireTool('ffprobe');

/** 2.002 s; sound of 2.005 s, so that boundaries are not those of the picture. */
const SEGMENT_FRAMES = 48;
const FRAMES = 3 * SEGMENT_FRAMES;
const SEGMENT_SOUND = 94;
const TEN_MINUTES = 300;
const WRAP_SECONDS = 2 ** 33 / 90_000;

describe('hls-ts', { skip: ffmpeg.skip || ffprobe.skip }, () => {
  let video: EncodedTrack<VideoTrack>;
  let audio: EncodedTrack<AudioTrack>;
  let served: ServedPresentation;

  before(async () => {
    const frameRate = { num: 24_000, den: 1001 };
    const cut = { frames: FRAMES, framesPerSegment: SEGMENT_FRAMES, bFrames: 3, bPyramid: true };
    video = encodeVideoTrack({ id: 'v1', width: 160, height: 90, frameRate, ...cut });
    audio = encodeAudioTrack('a1', { frames: 3 * SEGMENT_SOUND, framesPerSegment: SEGMENT_SOUND });
    served = await servePresentation([video, audio]);
  });

  after(() => served[Symbol.asyncDispose]());

  for (const stream of ['v', 'a']) {
    test(`decodes to what HLS decodes to, at the same times (${stream})`, async () => {
      const [plain, wrapped] = await Promise.all(
        ['hls', 'hls-ts'].map((format) => frames(`${served.root}${format}/main.m3u8`, stream)),
      );
      assert.ok(plain!.length >= FRAMES);
      assert.deepEqual(wrapped, plain);
    });
  }

  test('begins at ten seconds, picture and sound', async () => {
    const entries = ['-show_entries', 'stream=start_time', '-of', 'csv=p=0'];
    const starts = await run(ffprobe.path, [...entries, `${served.root}hls-ts/v1.m3u8`]);
    assert.deepEqual([...new Set(starts.match(/[\d.]+/g))], ['10.000000']);
  });

  test('each segment can be decoded alone, and ends where the next begins', async () => {
    const playlist = await (await fetch(`${served.root}hls-ts/v1.m3u8`)).text();
    const { segments } = readPlaylist(playlist);
    assert.equal(segments.length, 3);
    for (const segment of segments) {
      const decoded = await frames(`${served.root}hls-ts/${segment}`, 'v');
      assert.equal(decoded.length, SEGMENT_FRAMES);
      assert.ok((await frames(`${served.root}hls-ts/${segment}`, 'a')).length >= SEGMENT_SOUND - 1);
    }
  });

  test('ten minutes go by without a complaint', async () => {
    await assertSilent(repeated(0, TEN_MINUTES), TEN_MINUTES * SEGMENT_FRAMES);
  });

  test('the clock begins anew after 26.5 hours', async () => {
    const first = Math.floor((WRAP_SECONDS - 10) / 2.002) - 5;
    await assertSilent(repeated(first, 12), 12 * SEGMENT_FRAMES);
  });

  /** Segments from number `first` on, as a longer video with the same pictures over and over would have them. */
  function repeated(first: number, count: number): Uint8Array {
    const segments: Uint8Array[] = [];
    for (let index = first; index < first + count; index++) {
      const [picture, sound] = [movedTo(video, index), movedTo(audio, index)];
      const range = { fromTicks: -Infinity, untilTicks: Infinity };
      segments.push(
        transportSegment({
          index,
          video: { init: video.init, segment: picture },
          audio: { init: audio.init, segments: [sound], ...range },
        }),
      );
      assert.equal((segments.at(-1)!.length / PACKET_BYTES) % 16, 2);
    }
    return Buffer.concat(segments);
  }
});

/** FFmpeg says a word of every counter, every time stamp and every frame that is not as it must be. */
async function assertSilent(stream: Uint8Array, pictures: number): Promise<void> {
  const file = join(tmpdir(), `sluice-${process.pid}-${pictures}.ts`);
  await writeFile(file, stream);
  try {
    const packets = await run(ffprobe.path, ['-show_entries', 'packet=stream_index', '-of', 'csv=p=0', file]);
    assert.equal(packets.match(/^0/gm)?.length, pictures);
    await run(ffmpeg.path, ['-copyts', '-i', file, '-map', '0', '-c', 'copy', '-f', 'null', '-']);
  } finally {
    await rm(file);
  }
}

/** The first segment of a track at the place of the segment `index`. */
function movedTo(
  { init, segments, track }: EncodedTrack<VideoTrack | AudioTrack>,
  index: number,
): Uint8Array {
  const [{ trackId } = { trackId: 0 }] = parseInitSegment(init);
  const bytes = segments[0]!;
  const samples = parseMediaSegment(bytes)[0]!.samples.map((sample) => ({
    ...sample,
    data: bytes.subarray(sample.offset, sample.offset + sample.bytes),
  }));
  // The sound of one segment is three milliseconds longer than its picture: as much as the grid would allow.
  const start = Math.round((index * 2.002 * track.timescale) / samples[0]!.durationTicks);
  return writeMediaSegment({
    trackId,
    sequenceNumber: 1,
    baseMediaDecodeTime: start * samples[0]!.durationTicks,
    samples: samples.slice(0, track.kind === 'audio' ? soundFrames(index) : undefined),
  });
}

function soundFrames(index: number): number {
  return firstSoundFrame(index + 1) - firstSoundFrame(index);
}

function firstSoundFrame(index: number): number {
  return Math.round((index * 2.002 * 48_000) / 1024);
}

/** Hashes of decoded frames of the first stream of a kind, with their times since the first. */
async function frames(url: string, kind: string): Promise<readonly string[]> {
  const output = await run(ffmpeg.path, ['-i', url, '-map', `0:${kind}:0`, '-f', 'framemd5', '-']);
  const lines = output.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const first = Number(lines[0]?.split(',')[2]);
  return lines.map((line) => {
    const [, , time, , , hash] = line.split(',').map((field) => field.trim());
    return `${Number(time) - first} ${hash}`;
  });
}

async function run(program: string, options: readonly string[]): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  execFile(program, ['-v', 'warning', ...options], { maxBuffer: 1e8 }, (error, stdout, stderr) => {
    if (error === null && stderr === '') resolve(stdout);
    else reject(error ?? new Error(`${program} ${options.join(' ')}: ${stderr}`));
  });
  return promise;
}
