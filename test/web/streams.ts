/** Real streams for the player, made by FFmpeg: one set of CMAF segments with an HLS and a DASH manifest. */
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

const RUNGS = [
  { width: 848, height: 480, bitrate: '900k' },
  { width: 424, height: 240, bitrate: '300k' },
] as const;

const SEGMENT_SECONDS = 2;
export const STREAM_SECONDS = 40;

/** Writes `main.m3u8`, `manifest.mpd` and segments into `folder`. */
export async function makeVideoStream(ffmpeg: string, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const split = RUNGS.map((_, i) => `[v${i}]`).join('');
  const scales = RUNGS.map(({ width, height }, i) => `[v${i}]scale=${width}:${height},setsar=1[o${i}]`);
  const inputs =
    `-f lavfi -i testsrc2=size=848x480:rate=25:duration=${STREAM_SECONDS} ` +
    `-f lavfi -i sine=frequency=330:duration=${STREAM_SECONDS} ` +
    `-filter_complex [0:v]split=${RUNGS.length}${split};${scales.join(';')}`;
  const video = RUNGS.map(({ bitrate }, i) => `-map [o${i}] -b:v:${i} ${bitrate}`).join(' ');
  const codecs = '-c:v libx264 -preset ultrafast -g 50 -sc_threshold 0 -pix_fmt yuv420p -c:a aac -b:a 64k';
  await run(ffmpeg, [
    ...words(`-v error ${inputs} ${video} -map 1:a ${codecs} ${PACKAGING}`),
    '-adaptation_sets',
    'id=0,streams=v id=1,streams=a',
    join(folder, 'manifest.mpd'),
  ]);
}

/** As {@link makeVideoStream}, with sound alone. */
export async function makeAudioStream(ffmpeg: string, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const input = `-f lavfi -i sine=frequency=440:duration=${STREAM_SECONDS} -c:a aac -b:a 64k`;
  await run(ffmpeg, [
    ...words(`-v error ${input} ${PACKAGING} -adaptation_sets id=0,streams=a`),
    join(folder, 'manifest.mpd'),
  ]);
}

/** Writes one picture. */
export async function makePoster(ffmpeg: string, file: string, size: string): Promise<void> {
  const input = `-f lavfi -i gradients=size=${size}:c0=0x1b6b7f:c1=0xe0a458:x0=0:y0=0`;
  await run(ffmpeg, [...words(`-v error ${input} -frames:v 1 -y`), file]);
}

/** Writes a storyboard of one picture, for all of the stream. */
export async function makeStoryboard(file: string, picture: string): Promise<void> {
  const minutes = `00:00.000 --> 00:${STREAM_SECONDS}.000`;
  await writeFile(file, `WEBVTT\n\n${minutes}\n${picture}#xywh=0,0,160,90\n`);
}

const PACKAGING =
  `-f dash -seg_duration ${SEGMENT_SECONDS} -use_template 1 -use_timeline 1 ` +
  '-hls_playlist 1 -hls_master_name main.m3u8';

function words(text: string): string[] {
  return text.split(' ');
}
