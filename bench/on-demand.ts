/** What the measurements of encoding on demand share. */
import { spawn } from 'node:child_process';
import type { ServedTrack } from '../test/e2e/served-tracks.ts';

/** The 480p one, or the highest below it. */
export function rungOf(tracks: readonly ServedTrack[]): ServedTrack {
  const heights = new Map(tracks.map((track) => [Number(/^v(\d+)p/.exec(track.id)?.[1] ?? 0), track]));
  const height = Math.max(...[...heights.keys()].filter((lines) => lines <= 480));
  return heights.get(height)!;
}

/** When it came, by `performance.now()`. The rest is not waited for. */
export async function firstByteOf(url: string): Promise<number> {
  const answer = await fetch(url);
  if (!answer.ok || answer.body === null) throw new Error(`${url}: ${answer.status}`);
  const reader = answer.body.getReader();
  await reader.read();
  const now = performance.now();
  await reader.cancel();
  return now;
}

/** The same packets over and over, so that the file is as long as wanted at the bitrate of the material. */
export async function looped(path: string, seconds: number, target: string): Promise<string> {
  const options = [
    '-stream_loop',
    '-1',
    '-i',
    path,
    '-t',
    String(seconds),
    '-map',
    '0:v:0',
    '-map',
    '0:a:0?',
  ];
  const child = spawn('ffmpeg', ['-nostdin', '-v', 'error', ...options, '-c', 'copy', '-y', target], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const code = await new Promise((resolve) => child.once('exit', resolve));
  if (code !== 0) throw new Error(`ffmpeg ended with ${String(code)}`);
  return target;
}
