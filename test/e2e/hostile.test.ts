/** Broken and hostile files in the library: each is listed with what is wrong, and everything else plays on. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { chmod, chown, copyFile, mkdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { frameTimes, skipWithoutFfmpeg } from './judge.ts';
import {
  type ApiVideo,
  type RealServer,
  SAMPLE,
  type ServerFolders,
  serverFolders,
  startServer,
  until,
} from './real-server.ts';
import type { ServerOptions } from './server-process.ts';

const SAMPLE_FRAMES = 720;
const APPEAR_MS = 30_000;
/** What follows is legal in a file name, and none of it may reach a URL, a log or a playlist undigested. */
const ODD_NAMES = [
  'a..b.mp4',
  'hash#query?percent%20%zz.mp4',
  `quotes'"<script>.mp4`,
  'emoji 🎬 film.mp4',
  'right-to-left \u202egnp.mp4',
  ' spaces  and\ttabs .mp4',
];

describe('a library with hostile files', { skip: skipWithoutFfmpeg, timeout: 300_000 }, () => {
  let folders: ServerFolders;
  let server: RealServer;
  /** Whatever a playlist in disguise may lead to. */
  const asked: string[] = [];
  const trap = createServer((request, response) => {
    asked.push(request.url ?? '');
    response.end('secret');
  });

  before(async () => {
    trap.listen(0, '127.0.0.1');
    await new Promise((resolve) => trap.once('listening', resolve));
    folders = await serverFolders([SAMPLE]);
    await plant(folders.library, `http://127.0.0.1:${(trap.address() as { port: number }).port}/trap.ts`);
    server = await startServer(folders);
  });

  after(async () => {
    await server[Symbol.asyncDispose]();
    await folders[Symbol.asyncDispose]();
    trap.close();
  });

  const failures: Readonly<Record<string, readonly string[]>> = {
    'empty.mp4': ['source_empty'],
    'text.mp4': ['source_not_media'],
    'noise.mp4': ['source_not_media'],
    'no-index.mp4': ['source_damaged'],
    'playlist.mp4': ['source_not_media'],
    'playlist.ts': ['source_not_media'],
    'concat.mp4': ['source_not_media'],
    'huge.mp4': ['source_unsupported'],
    'dangling/main.m3u8': ['package_invalid'],
    'outside/main.m3u8': ['package_invalid'],
  };
  for (const [name, codes] of Object.entries(failures)) {
    test(`${name} is listed as failed, with its reason`, async () => {
      const video = await server.video(name);
      assert.equal(video.status, 'failed');
      assert.ok(codes.includes(video.error?.code ?? ''), `${video.error?.code}: ${video.error?.message}`);
      assert.doesNotMatch(video.error?.message ?? '', /at file:|node_modules|\n/);
      assert.deepEqual([video.playback.hls, video.playback.dash], [undefined, undefined]);
      const answer = await fetch(`${server.url}/v/${video.id}/hls/main.m3u8`);
      assert.ok(answer.status >= 400 && answer.status < 500, String(answer.status));
      assert.match(answer.headers.get('content-type') ?? '', /^application\/problem\+json/);
      await answer.body?.cancel();
    });
  }

  test('no playlist in disguise was followed', async () => {
    await server.video('playlist.mp4');
    assert.deepEqual(asked, []);
  });

  test('a file that breaks off plays as far as it goes', async () => {
    const video = await server.video('broken-off.mp4');
    assert.equal(video.status, 'playable', String(video.error?.message));
    assert.ok(video.durationSeconds! > 8 && video.durationSeconds! < 20, String(video.durationSeconds));
    const frames = await frameTimes(rungOf(video), 'v:0');
    assert.ok(Math.abs(frames.length - video.durationSeconds! * 29.97) < 2, `${frames.length} frames`);
  });

  test('random bytes in the middle leave a gap that is filled', async () => {
    const video = await server.video('damaged.mp4');
    assert.equal(video.status, 'playable', String(video.error?.message));
    assert.equal((await frameTimes(rungOf(video), 'v:0')).length, SAMPLE_FRAMES);
  });

  for (const name of ODD_NAMES) {
    test(`${JSON.stringify(name)} plays`, async () => {
      const video = await server.video(name);
      assert.equal(video.status, 'playable', String(video.error?.message));
      const answer = await fetch(new URL('../poster.jpg', video.playback.hls!));
      assert.equal(answer.status, 200);
      await answer.body?.cancel();
    });
  }

  test('a file that is dropped appears, one that is replaced gets a new revision, one that is removed goes', async () => {
    const file = join(folders.library, 'dropped.mp4');
    await writeFile(file, await readFile(SAMPLE));
    const first = await appearing('dropped.mp4');
    const revision = await revisionOf(first);
    const bytes = await readFile(SAMPLE);
    bytes.fill(0, bytes.length - 20_000, bytes.length - 10_000);
    await writeFile(file, bytes);
    await until('the changed file has a new revision', APPEAR_MS, async () => {
      const now = await revisionOf(await server.video('dropped.mp4'));
      return now !== undefined && now !== revision ? true : undefined;
    });
    const old = await fetch(`${server.url}/v/${first.id}/cmaf/${revision}/v240p/0.m4s`);
    assert.equal(old.status, 404);
    await old.body?.cancel();
    await rm(file);
    await until('the removed file is gone', APPEAR_MS, async () => {
      const answer = await fetch(`${server.url}/v/${first.id}/hls/main.m3u8`);
      await answer.body?.cancel();
      return answer.status === 404 ? true : undefined;
    });
  });

  test('a file that vanishes while it is watched gives a clear answer', async () => {
    const file = join(folders.library, 'vanishing.mp4');
    await writeFile(file, await readFile(SAMPLE));
    const video = await appearing('vanishing.mp4');
    const revision = await revisionOf(video);
    const requests = [0, 3, 5].map((index) =>
      fetch(`${server.url}/v/${video.id}/cmaf/${revision}/v720p/${index}.m4s`),
    );
    await rm(file);
    for (const answer of await Promise.all(requests)) {
      assert.ok([200, 404, 410].includes(answer.status), `${answer.status} ${await answer.text()}`);
      await answer.body?.cancel().catch(() => {});
    }
  });

  test('and the good one plays all the while', async () => {
    const video = await server.video('Sluice sample.mp4');
    assert.equal((await frameTimes(rungOf(video), 'v:0')).length, SAMPLE_FRAMES);
  });

  function appearing(name: string): Promise<ApiVideo> {
    return until(`${name} appears`, APPEAR_MS, async () => {
      const video = (await server.videos()).find(({ source }) => source.name === name);
      return video?.status === 'playable' ? video : undefined;
    });
  }
});

test('a file that may not be read is listed as failed, until it may', { timeout: 120_000 }, async () => {
  await using folders = await serverFolders([SAMPLE]);
  const secret = join(folders.library, 'secret.mp4');
  await copyFile(SAMPLE, secret);
  await chmod(secret, 0o000);
  await using server = await startServer(folders, {}, await someoneWhoMayNot(folders));
  const video = await server.video('secret.mp4');
  assert.deepEqual([video.status, video.error?.code], ['failed', 'source_unreadable']);
  assert.equal((await server.video('Sluice sample.mp4')).status, 'playable');
  await chmod(secret, 0o444);
  // A new permission does not change the bytes, so the video stays as it is until they are touched.
  await utimes(secret, new Date(), new Date());
  await until('it plays', APPEAR_MS, async () =>
    (await server.video('secret.mp4')).status === 'playable' ? true : undefined,
  );
});

/** Nothing is hidden from root: there, the number of another user, to whom the folders then belong. */
async function someoneWhoMayNot(folders: ServerFolders): Promise<ServerOptions> {
  if (process.getuid?.() !== 0) return {};
  const nobody = 65_534;
  await mkdir(folders.data, { recursive: true });
  await chmod(dirname(folders.library), 0o755);
  await chown(folders.data, nobody, nobody);
  return { user: nobody };
}

function rungOf(video: ApiVideo): string {
  return new URL('v240p.m3u8', video.playback.hls!).href;
}

/** Undefined while it is not playable: it may change at any moment between two questions. */
async function revisionOf(video: ApiVideo): Promise<string | undefined> {
  if (video.playback.dash === undefined) return undefined;
  const mpd = await (await fetch(video.playback.dash)).text();
  return /cmaf\/([0-9a-f]+)\//.exec(mpd)?.[1];
}

/** Fills the library with everything that goes wrong. */
async function plant(library: string, trapUrl: string): Promise<void> {
  const sample = await readFile(SAMPLE);
  const playlist = `#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n${trapUrl}\n#EXTINF:10,\n/etc/passwd\n#EXT-X-ENDLIST\n`;
  const put = async (name: string, bytes: Uint8Array | string): Promise<void> => {
    await mkdir(join(library, name, '..'), { recursive: true });
    await writeFile(join(library, name), bytes);
  };
  await put('empty.mp4', '');
  await put('text.mp4', 'This is not a film.\n'.repeat(100));
  await put('noise.mp4', noise(100_000));
  await put('playlist.mp4', playlist);
  await put('playlist.ts', playlist);
  await put('concat.mp4', `ffconcat version 1.0\nfile '${SAMPLE}'\nfile '${trapUrl}'\n`);
  await put(
    'dangling/main.m3u8',
    '#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\nmissing.ts\n#EXT-X-ENDLIST\n',
  );
  await put(
    'outside/main.m3u8',
    '#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n',
  );
  await put('huge.mp4', claimingSize(sample, 60_000, 60_000));
  await put('no-index.mp4', withoutIndex(sample));
  const indexFirst = moveIndexFirst(sample);
  await put('broken-off.mp4', indexFirst.subarray(0, Math.round(indexFirst.length * 0.6)));
  const damaged = Buffer.from(sample);
  damaged.set(noise(30_000), Math.round(damaged.length * 0.45));
  await put('damaged.mp4', damaged);
  for (const name of ODD_NAMES) await put(name, sample);
}

/** The same every time. */
function noise(length: number): Uint8Array {
  let state = 1;
  return Uint8Array.from({ length }, () => (state = (state * 48_271) % 0x7fffffff) & 0xff);
}

/** Top-level boxes of an MP4, with their types. */
function boxesOf(file: Buffer): { type: string; bytes: Buffer }[] {
  const boxes: { type: string; bytes: Buffer }[] = [];
  for (let offset = 0; offset + 8 <= file.length; ) {
    const size = file.readUInt32BE(offset);
    boxes.push({
      type: file.toString('latin1', offset + 4, offset + 8),
      bytes: file.subarray(offset, offset + size),
    });
    offset += size;
  }
  return boxes;
}

function withoutIndex(file: Buffer): Buffer {
  return Buffer.concat(
    boxesOf(file)
      .filter(({ type }) => type !== 'moov')
      .map(({ bytes }) => bytes),
  );
}

/** `moov` before `mdat`, its chunk offsets moved along. */
function moveIndexFirst(file: Buffer): Buffer {
  const boxes = boxesOf(file);
  const moov = Buffer.from(boxes.find(({ type }) => type === 'moov')!.bytes);
  const isFirst =
    boxes.findIndex(({ type }) => type === 'moov') < boxes.findIndex(({ type }) => type === 'mdat');
  if (isFirst) return file;
  for (let at = moov.indexOf('stco'); at >= 0; at = moov.indexOf('stco', at + 4)) {
    const count = moov.readUInt32BE(at + 8);
    for (let entry = 0; entry < count; entry++) {
      const place = at + 12 + entry * 4;
      moov.writeUInt32BE(moov.readUInt32BE(place) + moov.length, place);
    }
  }
  const [ftyp, ...rest] = boxes.filter(({ type }) => type !== 'moov').map(({ bytes }) => bytes);
  return Buffer.concat([ftyp!, moov, ...rest]);
}

/** The sample entry and the track header claim another size. ISO/IEC 14496-12 12.1.3, 8.3.2 */
function claimingSize(file: Buffer, width: number, height: number): Buffer {
  const copy = Buffer.from(file);
  const entry = copy.indexOf('avc1', copy.indexOf('stsd'));
  copy.writeUInt16BE(width, entry + 28);
  copy.writeUInt16BE(height, entry + 30);
  return copy;
}
