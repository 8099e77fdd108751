/** The peer of the engine: one `ffmpeg` command line that makes the same ladder with the same encoder settings. */
import { spawn } from 'node:child_process';
import { framesPerSegment } from '../src/media/grid.ts';
import { type AudioEncoding, channelsOf, type TrackEncoding, type VideoEncoding } from '../src/media/plan.ts';
import { audiosOf, videosOf } from './engine-work.ts';

/** Packed as we pack. */
const FRAGMENTED = ['-movflags', '+frag_keyframe+empty_moov', '-f', 'mp4', '-y'];

/**
 * All rungs from one decode, and the sound, each into the file that `outputOf` names: what somebody would write by
 * hand. `/dev/null` where the disk is not to be measured.
 */
export async function encodeByCommandLine(
  source: string,
  encodings: readonly TrackEncoding[],
  outputOf: (trackId: string) => string,
): Promise<void> {
  const videos = videosOf(encodings);
  const split = `[0:v:0]split=${videos.length}${videos.map((_, index) => `[s${index}]`).join('')}`;
  const scales = videos.map(
    ({ rung }, index) =>
      `[s${index}]scale=${rung.width}:${rung.height}:flags=bicubic,format=yuv420p[o${index}]`,
  );
  const pictures = videos.map((encoding, index) => ['-map', `[o${index}]`, ...videoSettings(encoding)]);
  const sound = audiosOf(encodings).map((encoding) => [
    '-map',
    `0:a:${encoding.sourceAudioIndex}`,
    ...audioSettings(encoding),
  ]);
  const tracks = [...videos, ...audiosOf(encodings)];
  const outputs = [...pictures, ...sound].flatMap((settings, index) =>
    settings.concat(FRAGMENTED, outputOf(tracks[index]!.trackId)),
  );
  await run(['-i', source, '-filter_complex', [split, ...scales].join(';'), ...outputs]);
}

/** What src/engine/child/video-encoder.ts sets, and a keyframe where our segments begin. */
function videoSettings({ rung, frameRate, reorderFrames }: VideoEncoding): string[] {
  const keyframes = framesPerSegment(frameRate);
  const settings = {
    'c:v': 'libx264',
    preset: 'veryfast',
    'profile:v': 'high',
    'level:v': (rung.level / 10).toFixed(1),
    crf: rung.crf,
    maxrate: rung.maxBitsPerSecond,
    bufsize: rung.bufferBits,
    refs: 1,
    bf: reorderFrames === 0 ? 0 : 3,
    b_strategy: 1,
    g: keyframes,
    keyint_min: keyframes,
    'threads:v': rung.threads,
    'x264-params': 'b-pyramid=none:open-gop=0:nal-hrd=none:force-cfr=1:stitchable=1:cpu-independent=1',
  };
  return optionsOf(settings);
}

/** What src/engine/child/encode-audio.ts sets. */
function audioSettings({ layout, bitsPerSecond }: AudioEncoding): string[] {
  return optionsOf({
    'c:a': 'aac',
    aac_coder: 'fast',
    'b:a': bitsPerSecond,
    ac: channelsOf(layout),
    ar: 48_000,
  });
}

function optionsOf(settings: Readonly<Record<string, string | number>>): string[] {
  return Object.entries(settings).flatMap(([name, value]) => [`-${name}`, String(value)]);
}

async function run(options: readonly string[]): Promise<void> {
  const child = spawn('ffmpeg', ['-nostdin', '-v', 'error', ...options], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const code = await new Promise((resolve) => child.once('exit', resolve));
  if (code !== 0) throw new Error(`ffmpeg ended with ${String(code)}`);
}
