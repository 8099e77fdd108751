/**
 * Makes the videos in assets/ anew, with the FFmpeg inside node-av: `node scripts/make-samples.ts`.
 * They are what a fresh Sluice shows first, and what its own tests play.
 */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type AudioOptions, makeSource, type VideoOptions } from '../test/fixtures/source.ts';

const FRAME_RATE = { num: 30_000, den: 1001 };
const KEYFRAME_INTERVAL = 120;
/** Six segments, each from one keyframe to the next. */
const SEGMENT_SECONDS = (KEYFRAME_INTERVAL * FRAME_RATE.den) / FRAME_RATE.num;
const SECONDS = 6 * SEGMENT_SECONDS;

const assets = join(import.meta.dirname, '..', 'assets');

/** Whole seconds, less than a frame short of the picture, so that no beep is cut off. */
const audio: AudioOptions = {
  kind: 'audio',
  seconds: Math.floor(SECONDS),
  bitsPerSecond: 96_000,
  language: 'eng',
};

function video(width: number, height: number, label: string, quality: string): VideoOptions {
  return {
    kind: 'video',
    seconds: SECONDS,
    width,
    height,
    frameRate: FRAME_RATE,
    keyframeInterval: KEYFRAME_INTERVAL,
    label,
    // A scene cut would start a segment at another place in one variant than in the other.
    options: { preset: 'slow', crf: quality, bf: '3', sc_threshold: '0' },
  };
}

async function emptyFolder(name: string): Promise<string> {
  const folder = join(assets, name);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  return folder;
}

async function makeFile(): Promise<void> {
  await mkdir(assets, { recursive: true });
  await makeSource(join(assets, 'Sluice sample.mp4'), [video(1280, 720, 'SAMPLE', '26'), audio], {
    options: { movflags: '+faststart' },
    metadata: { title: 'Sluice sample' },
  });
}

/** Two variants, each with its own sound, in MPEG-TS (RFC 8216, 3.2). */
async function makeHls(): Promise<void> {
  const folder = await emptyFolder('Ready-made HLS');
  const tracks = [video(1280, 720, 'HLS 720P', '29'), video(640, 360, 'HLS 360P', '29'), audio, audio];
  await makeSource(join(folder, '%v', 'index.m3u8'), tracks, {
    format: 'hls',
    options: {
      master_pl_name: 'main.m3u8',
      var_stream_map: 'v:0,a:0,name:720p v:1,a:1,name:360p',
      hls_time: String(SEGMENT_SECONDS),
      hls_list_size: '0',
      hls_playlist_type: 'vod',
      hls_flags: 'independent_segments',
      hls_segment_filename: join(folder, '%v', 'segment-%d.ts'),
    },
  });
}

/** Two Representations of the picture and one of the sound, in fragmented MP4 (ISO/IEC 23009-1, 5.3.9.6). */
async function makeDash(): Promise<void> {
  const folder = await emptyFolder('Ready-made DASH');
  const tracks = [video(1280, 720, 'DASH 720P', '29'), video(640, 360, 'DASH 360P', '29'), audio];
  await makeSource(join(folder, 'manifest.mpd'), tracks, {
    format: 'dash',
    options: {
      seg_duration: String(SEGMENT_SECONDS),
      use_template: '1',
      use_timeline: '1',
      adaptation_sets: 'id=0,streams=v id=1,streams=a',
      init_seg_name: 'init-$RepresentationID$.mp4',
      media_seg_name: 'segment-$RepresentationID$-$Number$.m4s',
    },
  });
  // The muxer writes tenths of a second; a player that takes them at their word drops the last frame.
  const manifest = join(folder, 'manifest.mpd');
  const text = await readFile(manifest, 'utf8');
  const exact = text.replace(/(mediaPresentationDuration)="[^"]*"/, `$1="PT${SECONDS.toFixed(3)}S"`);
  await writeFile(manifest, exact);
}

await makeFile();
await makeHls();
await makeDash();
