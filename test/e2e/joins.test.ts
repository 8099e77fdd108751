/** Where segments meet, nothing may be seen or heard: judged against the source by SSIM and by error energy. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { open, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startEngine } from '../../src/engine/supervisor.ts';
import { type AudioEncoding, planSource } from '../../src/media/plan.ts';
import { temporaryFolder } from '../storage/temporary-folder.ts';
import { SAMPLE_RATE, samples, skipWithoutFfmpeg, ssim } from './judge.ts';
import { BIG_BUCK_BUNNY, SAMPLE, serverFolders, startServer } from './real-server.ts';
import { bytesOf, hlsTracks, type ServedTrack } from './served-tracks.ts';

/** Real footage and music where they are there: they find more. */
const [path, frameRate] = existsSync(BIG_BUCK_BUNNY) ? [BIG_BUCK_BUNNY, 24] : [SAMPLE, 30_000 / 1001];
const SSIM_TOLERANCE = 0.01;
/** Around a join: half a second on each side, but not the frames next to it, which are judged. */
const NEIGHBOUR_FRAMES = 12;
/** Samples on each side of a join that are judged: an AAC frame, which is as far as a click reaches. */
const WINDOW = 1024;
/** Measured over all joins: -1.2 (less than none: chance), and 22.5 without lead-in. */
const MOST_DECIBELS_LOST = 3;

describe('joins', { skip: skipWithoutFfmpeg }, () => {
  const cleanUp = new AsyncDisposableStack();
  let scratch: string;
  let picture: ServedTrack;
  let sound: ServedTrack;

  before(async () => {
    scratch = cleanUp.use(await temporaryFolder()).path;
    const server = cleanUp.use(await startServer(cleanUp.use(await serverFolders([path]))));
    const { playback } = await server.video(basename(path));
    const tracks = await hlsTracks(playback.hls!);
    picture = tracks.find(({ id }) => id === 'v480p')!;
    sound = tracks.find(({ id }) => id === 'a1')!;
  });

  after(() => cleanUp.disposeAsync());

  test('frames around each boundary resemble the source as much as their neighbours do', async (t) => {
    const likeness = await ssim(await joined(scratch, picture), path, { width: 854, height: 480 });
    const boundaries = boundariesOf(picture).map((seconds) => Math.round(seconds * frameRate));
    assert.ok(boundaries.length >= 5);
    const falls = boundaries.map((boundary) => fallAt(likeness, boundary));
    t.diagnostic(`SSIM falls by ${falls.map((fall) => fall.toFixed(4)).join(', ')} at the boundaries`);
    for (const fall of falls) assert.ok(fall <= SSIM_TOLERANCE, `SSIM falls by ${fall}`);
  });

  test('sound at the joins is as near to the source as that of one continuous encode', async (t) => {
    const [source, ours, reference] = await Promise.all([
      samples(path),
      joined(scratch, sound).then((file) => samples(file)),
      encodedAtOnce(join(scratch, 'at-once.mp4')).then((file) => samples(file)),
    ]);
    const joins = boundariesOf(sound).map((seconds) => Math.round(seconds * SAMPLE_RATE));
    const errorsOf = (track: Float32Array): readonly number[] =>
      joins.map((sample) => errorEnergy(source, track, sample - WINDOW, sample + WINDOW));
    const [atJoins, continuous] = [errorsOf(ours), errorsOf(reference)];
    const losses = atJoins.map((energy, index) => decibels(energy / continuous[index]!));
    const inAll = decibels(sum(atJoins) / sum(continuous));
    const all = losses.map((loss) => loss.toFixed(2)).join(', ');
    t.diagnostic(
      `error at the joins, against one continuous encode: ${all} dB; together ${inAll.toFixed(2)} dB`,
    );
    const elsewhere = spread(source, ours, reference, joins);
    t.diagnostic(`elsewhere, 99 of 100 windows are below ${elsewhere.toFixed(2)} dB`);
    assert.ok(inAll <= MOST_DECIBELS_LOST, `the joins lose ${inAll} dB`);
    for (const loss of losses) assert.ok(loss <= elsewhere, `${loss} dB at one join`);
  });
});

/** Where one segment ends and the next begins, in seconds. */
function boundariesOf({ segments }: ServedTrack): readonly number[] {
  let end = 0;
  return segments.slice(0, -1).map(({ seconds }) => (end += seconds));
}

/**
 * How much less the two frames on each side of a boundary resemble the source than the worst of those around,
 * since footage itself goes up and down by more; not below 0.
 */
function fallAt(likeness: readonly number[], boundary: number): number {
  const around = likeness.slice(boundary - NEIGHBOUR_FRAMES, boundary + NEIGHBOUR_FRAMES);
  const judged = around.splice(NEIGHBOUR_FRAMES - 2, 4);
  return Math.max(0, Math.min(...around) - Math.min(...judged));
}

function errorEnergy(source: Float32Array, other: Float32Array, from: number, to: number): number {
  let energy = 0;
  for (let index = from; index < to; index++) energy += (source[index]! - other[index]!) ** 2;
  // Silence has no error: as much as of 16 bits.
  return energy / (to - from) + 2 ** -32;
}

/** What 99 of 100 windows that hold no join stay below, in decibels against the continuous encode. */
function spread(
  source: Float32Array,
  ours: Float32Array,
  reference: Float32Array,
  joins: readonly number[],
): number {
  const losses: number[] = [];
  const end = Math.min(source.length, ours.length, reference.length);
  for (let from = 0; from + 2 * WINDOW <= end; from += 2 * WINDOW) {
    const to = from + 2 * WINDOW;
    if (joins.some((sample) => from < sample + 2 * WINDOW && to > sample - 2 * WINDOW)) continue;
    losses.push(decibels(errorEnergy(source, ours, from, to) / errorEnergy(source, reference, from, to)));
  }
  return losses.toSorted((a, b) => a - b)[Math.floor(losses.length * 0.99)]!;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function decibels(ratio: number): number {
  return 10 * Math.log10(ratio);
}

async function joined(scratch: string, track: ServedTrack): Promise<string> {
  const parts = [await bytesOf(track.init)];
  for (const { url } of track.segments) parts.push(await bytesOf(url));
  const file = join(scratch, `${track.id}.mp4`);
  await writeFile(file, Buffer.concat(parts));
  return file;
}

/** The same sound by the same encoder, but planned as one segment: what it would be without joins. */
async function encodedAtOnce(file: string): Promise<string> {
  await using handle = await open(path);
  await using engine = startEngine({ spares: 0, idleMs: 1000 });
  const { signal } = new AbortController();
  const source = {
    identity: path,
    bytes: (await handle.stat()).size,
    async read(offset: number, length: number): Promise<Uint8Array> {
      const { buffer, bytesRead } = await handle.read(new Uint8Array(length), 0, length, offset);
      return buffer.subarray(0, bytesRead);
    },
  };
  const info = await engine.inspect(source, signal);
  const { grid, ...encoding } = planSource(info).encodings.get('a1') as AudioEncoding;
  const atOnce = { ...encoding, grid: { ...grid, boundaries: [0, grid.boundaries.at(-1)!] } };
  const parts = [(await engine.initSegments([atOnce], info, signal)).get('a1')!];
  const request = { source, info, encodings: [atOnce], first: 0, end: 1, priority: 'viewer' } as const;
  for await (const { bytes } of engine.encode(request, signal)) parts.push(bytes);
  await writeFile(file, Buffer.concat(parts));
  return file;
}
