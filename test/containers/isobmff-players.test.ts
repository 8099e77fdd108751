/** What FFmpeg makes of our files: it is the strictest reader of edit lists and composition times there is. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { parseInitSegment } from '../../src/containers/isobmff/parse-init-segment.ts';
import { parseMediaSegment } from '../../src/containers/isobmff/parse-media-segment.ts';
import { encodeAudioTrack, encodeVideoTrack } from '../encoded-track.ts';
import { requireTool } from '../tools.ts';

const ffprobe = requireTool('ffprobe');
const ffmpeg = requireTool('ffmpeg');
const folder = mkdtempSync(join(tmpdir(), 'sluice-isobmff-'));
after(() => rmSync(folder, { recursive: true }));

const FRAME_TICKS = 1001;
const FRAMES = 121;
const FRAMES_PER_SEGMENT = 40;
const video = (bFrames: number) =>
  encodeVideoTrack({
    id: 'v',
    width: 160,
    height: 120,
    frameRate: { num: 24_000, den: FRAME_TICKS },
    frames: FRAMES,
    framesPerSegment: FRAMES_PER_SEGMENT, // the last segment has one frame, fewer than the reorder delay
    bFrames,
    bPyramid: bFrames > 0,
  });
const audio = () => encodeAudioTrack('a', { frames: 130, framesPerSegment: 47 });

for (const bFrames of [0, 2]) {
  test(`x264 with ${bFrames} B-frames: every frame at its exact time`, { skip: ffprobe.skip }, () => {
    const { init, segments } = video(bFrames);
    const path = save('whole.mp4', [init, ...segments]);
    const { streams, packets } = probe(path);
    assert.equal(Number(streams[0]?.start_time), 0);
    assert.equal(streams[0]?.r_frame_rate, '24000/1001');
    assert.equal(streams[0]?.sample_aspect_ratio, '1:1');
    assert.equal(streams[0]?.color_primaries, 'bt709');
    assert.deepEqual(sortedTimes(packets), frameTimes(0, FRAMES, FRAME_TICKS));
    assert.equal(
      packets.filter((packet) => packet.flags.includes('D')).length,
      0,
      'nothing is cut by an edit',
    );
    // The encoder must have reordered, or this test would show nothing.
    assert.equal(
      packets.some((packet, i) => packet.pts < (packets[i - 1]?.pts ?? 0)),
      bFrames > 0,
    );
  });

  test(`x264 with ${bFrames} B-frames: each segment alone`, { skip: ffprobe.skip }, () => {
    const { init, segments, track } = video(bFrames);
    segments.forEach((segment, index) => {
      const { packets } = probe(save('one.mp4', [init, segment]));
      const grid = track.segments[index];
      const first = grid?.startTicks ?? Number.NaN;
      assert.deepEqual(
        sortedTimes(packets),
        frameTimes(first, (grid?.durationTicks ?? 0) / FRAME_TICKS, FRAME_TICKS),
      );
      assert.ok(packets[0]?.flags.startsWith('K'));
      assert.equal(packets.filter((packet) => packet.flags.startsWith('K')).length, 1);
    });
  });

  test(`x264 with ${bFrames} B-frames: decoded, first at 0 and none missing`, { skip: ffmpeg.skip }, () => {
    const { init, segments } = video(bFrames);
    const times = decodedTimes(save('decoded.mp4', [init, ...segments]));
    assert.deepEqual(times, frameTimes(0, FRAMES, FRAME_TICKS));
  });
}

test('AAC: every frame at its exact time', { skip: ffprobe.skip }, () => {
  const { init, segments } = audio();
  const { streams, packets } = probe(save('sound.mp4', [init, ...segments]));
  assert.equal(Number(streams[0]?.start_time), 0);
  assert.equal(streams[0]?.profile, 'LC');
  assert.equal(streams[0]?.channels, 2);
  assert.deepEqual(sortedTimes(packets), frameTimes(0, 130, 1024));
});

test('our parser agrees with the grid about a real encoder', () => {
  const { init, segments, track } = video(2);
  const [parsedInit] = parseInitSegment(init);
  assert.equal(parsedInit?.codecs, track.codecs);
  segments.forEach((segment, index) => {
    const [parsed] = parseMediaSegment(segment);
    const grid = track.segments[index];
    assert.equal(parsed?.baseMediaDecodeTime, grid?.startTicks);
    assert.equal(
      parsed?.samples.reduce((sum, sample) => sum + sample.durationTicks, 0),
      grid?.durationTicks,
    );
    assert.deepEqual(parsed?.samples.map((sample) => sample.isSync).indexOf(true, 1), -1);
    // After the edit, the first picture shown is at the start of the segment.
    const shown =
      parsed?.samples.map((sample) => sample.decodeTimeTicks + sample.compositionOffsetTicks) ?? [];
    assert.equal(Math.min(...shown) - (parsedInit?.presentationOffsetTicks ?? 0), grid?.startTicks);
  });
});

type Probe = {
  readonly streams: readonly {
    readonly start_time: string;
    readonly r_frame_rate: string;
    readonly sample_aspect_ratio?: string;
    readonly color_primaries?: string;
    readonly profile: string;
    readonly channels?: number;
  }[];
  readonly packets: readonly { readonly pts: number; readonly dts: number; readonly flags: string }[];
};

function probe(path: string): Probe {
  const text = execFileSync(
    ffprobe.path,
    ['-v', 'error', '-show_streams', '-show_packets', '-of', 'json', path],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] },
  );
  return JSON.parse(text) as Probe;
}

/** Presentation times of decoded frames in the track's ticks, as they come out, not shifted or repeated. */
function decodedTimes(path: string): readonly number[] {
  const text = execFileSync(
    ffmpeg.path,
    [
      '-v',
      'error',
      '-copyts',
      '-i',
      path,
      '-fps_mode',
      'passthrough',
      '-enc_time_base',
      '-1',
      '-f',
      'framecrc',
      '-',
    ],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] },
  );
  assert.match(text, /#tb 0: 1\/24000/);
  const lines = text.split('\n').filter((line) => /^\d/.test(line));
  return lines.map((line) => Number(line.split(',')[2]));
}

function sortedTimes(packets: Probe['packets']): readonly number[] {
  return packets.map((packet) => packet.pts).sort((a, b) => a - b);
}

function frameTimes(first: number, count: number, ticks: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => first + i * ticks);
}

function save(name: string, parts: readonly Uint8Array[]): string {
  const path = join(folder, name);
  writeFileSync(path, Buffer.concat(parts));
  return path;
}
