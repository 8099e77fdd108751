/** Packages as others make them: by the system's ffmpeg, from its own test picture and tone. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PackagedTrack, PackageInfo } from '../../src/media/package.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { fileSystemStore } from '../../src/storage/file-system.ts';
import type { Tool } from '../tools.ts';
import { keyBelow, readBytes } from './library.ts';

/** Of what {@link makePackage} makes. */
export const SOURCE = { seconds: 8, frames: 200, width: 320, height: 180 };

const ARGUMENTS = `-v error -y -f lavfi -i testsrc2=size=320x180:rate=25:duration=${SOURCE.seconds}
  -f lavfi -i sine=frequency=440:sample_rate=48000:duration=${SOURCE.seconds}
  -c:v libx264 -preset ultrafast -bf 2 -g 50 -sc_threshold 0 -pix_fmt yuv420p -c:a aac -ac 2`;

export type Folder = { readonly path: string; readonly store: ObjectStore } & Disposable;

export function temporaryFolder(): Folder {
  const path = mkdtempSync(join(tmpdir(), 'sluice-readers-'));
  return {
    path,
    store: fileSystemStore(path),
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
}

/** Runs ffmpeg in `folder` (made if need be). `output`: maps, muxer options, the manifest's name; `more`: options with spaces inside. */
export function makePackage(
  ffmpeg: Tool,
  folder: string,
  output: string,
  more: readonly string[] = [],
): void {
  mkdirSync(folder, { recursive: true });
  execFileSync(ffmpeg.path, [...words(ARGUMENTS), ...more, ...words(output)], { cwd: folder });
}

/** How many packets ffprobe finds in the init segment and all segments of a track, joined: the judge of ranges. */
export async function countPackets(
  ffprobe: Tool,
  { store, path }: Folder,
  info: PackageInfo,
  track: PackagedTrack,
): Promise<number> {
  const parts = track.init === undefined ? track.segments : [track.init, ...track.segments];
  const bytes = await Promise.all(
    parts.map((part) => readBytes(store, keyBelow(info.root, part.path), part.range)),
  );
  const joined = join(path, '.joined');
  writeFileSync(joined, Buffer.concat(bytes));
  const entries = words(
    '-v error -count_packets -select_streams 0 -show_entries stream=nb_read_packets -of csv=p=0',
  );
  const answer = execFileSync(ffprobe.path, [...entries, joined], { encoding: 'utf8' });
  return Number(answer.split('\n')[0]?.replace(/\D/g, ''));
}

/** For arguments in which nothing contains a space. */
function words(text: string): string[] {
  return text.trim().split(/\s+/);
}
