/** Every rung as HLS and as DASH, from the running server, through the eyes of FFmpeg. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { nalType, NAL_TYPE, splitLengthPrefixed } from '../../src/containers/h264/nal-units.ts';
import { parseMediaSegment } from '../../src/containers/isobmff/parse-media-segment.ts';
import { frameTimes, skipWithoutFfmpeg, startTimes } from './judge.ts';
import { temporaryFolder } from '../storage/temporary-folder.ts';
import { BIG_BUCK_BUNNY, type RealServer, SAMPLE, serverFolders, startServer } from './real-server.ts';
import { isShared } from './shared-deployment.ts';
import { bytesOf, dashTracks, fetchAll, hlsTracks, type ServedTrack } from './served-tracks.ts';

const AAC_FRAME_SECONDS = 1024 / 48_000;
/** FFprobe prints microseconds. */
const PRINTED = 1e-6;

type Subject = {
  readonly name: string;
  readonly path: string;
  readonly frames: number;
  readonly frameSeconds: number;
  readonly rungs: readonly string[];
  readonly sounds: readonly string[];
};

const SUBJECTS: readonly Subject[] = [
  {
    name: 'big-buck-bunny-480p-30s.mp4',
    path: BIG_BUCK_BUNNY,
    frames: 720,
    frameSeconds: 1 / 24,
    rungs: ['v480p', 'v360p', 'v240p'],
    // Its sound is 5.1.
    sounds: ['a1', 'a1s'],
  },
  {
    name: 'Sluice sample.mp4',
    path: SAMPLE,
    frames: 720,
    frameSeconds: 1001 / 30_000,
    rungs: ['v720p', 'v480p', 'v360p', 'v240p'],
    sounds: ['a1'],
  },
];
/** Workers, which encode there, listen nowhere: shared.test.ts counts their jobs. */
const isCounted = !isShared;
/** One is enough, and real footage finds more. */
const subjects = SUBJECTS.filter(({ path }) => existsSync(path)).slice(0, 1);

describe('streams', { skip: skipWithoutFfmpeg }, () => {
  const cleanUp = new AsyncDisposableStack();
  /** Everything was fetched from it in a random order, by several clients at once. */
  let scrambled: RealServer;
  /** Everything was fetched from it in order. */
  let ordered: RealServer;
  /** Segments that were encoded for two requests of the same one at the same time. */
  let encodedByOne: number;
  let scratch: string;

  before(async () => {
    scratch = cleanUp.use(await temporaryFolder()).path;
    const start = async (): Promise<RealServer> => {
      const folders = cleanUp.use(await serverFolders(subjects.map(({ path }) => path)));
      return cleanUp.use(await startServer(folders));
    };
    scrambled = await start();
    for (const { name } of subjects) {
      const tracks = await hlsTracks((await scrambled.video(name)).playback.hls!);
      await Promise.all([1, 2, 3].map((seed) => fetchScrambled(tracks, seed)));
    }
    ordered = await start();
    if (isCounted) encodedByOne = await requestTwice(ordered, subjects[0]!.name);
    for (const { name } of subjects) {
      await fetchAll(await hlsTracks((await ordered.video(name)).playback.hls!));
    }
  });

  after(() => cleanUp.disposeAsync());

  test('two requests at once for the same missing segment cause one encode', { skip: !isCounted }, () => {
    assert.equal(encodedByOne, 1);
  });

  for (const { name, frames, frameSeconds, rungs, sounds } of subjects) {
    test(`${name}: HLS and DASH list the same segments, and their durations are those of the track`, async () => {
      const { playback } = await scrambled.video(name);
      const [hls, dash] = [await hlsTracks(playback.hls!), await dashTracks(playback.dash!)];
      assert.deepEqual(hls.map(({ id }) => id).toSorted(), [...rungs, ...sounds].toSorted());
      assert.deepEqual(addressesOf(hls), addressesOf(dash));
      for (const track of [...hls, ...dash]) {
        const total = track.segments.reduce((sum, { seconds }) => sum + seconds, 0);
        const planned =
          track.kind === 'video'
            ? frames * frameSeconds
            : Math.round((frames * frameSeconds) / AAC_FRAME_SECONDS) * AAC_FRAME_SECONDS;
        // An EXTINF is rounded to a microsecond.
        assert.ok(Math.abs(total - planned) < 1e-5 + (track.kind === 'audio' ? AAC_FRAME_SECONDS : 0));
      }
    });

    test(`${name}: every rung decodes to ${frames} frames at their exact times, as HLS and as DASH`, async () => {
      const { playback } = await scrambled.video(name);
      const hls = await hlsTracks(playback.hls!);
      for (const [index, rung] of rungs.entries()) {
        const playlist = hls.find(({ id }) => id === rung)!.playlist!;
        for (const times of [
          await frameTimes(playlist, 'v:0'),
          await frameTimes(playback.dash!, `v:${index}`),
        ]) {
          assert.equal(times.length, frames, rung);
          times.forEach((seconds, frame) =>
            assert.ok(Math.abs(seconds - frame * frameSeconds) <= PRINTED, `${rung}: ${frame} at ${seconds}`),
          );
        }
      }
    });

    test(`${name}: sound has no gap, as HLS and as DASH`, async () => {
      const { playback } = await scrambled.video(name);
      const total = (await hlsTracks(playback.hls!)).at(-1)!.segments.reduce((sum, s) => sum + s.seconds, 0);
      for (const manifest of [playback.hls!, playback.dash!]) {
        const times = await frameTimes(manifest, 'a:0');
        assert.equal(times.length, Math.round(total / AAC_FRAME_SECONDS));
        times.forEach((seconds, frame) =>
          assert.ok(Math.abs(seconds - frame * AAC_FRAME_SECONDS) <= 2 * PRINTED, `${frame} at ${seconds}`),
        );
      }
    });

    test(`${name}: every track starts at 0`, async () => {
      const { playback } = await scrambled.video(name);
      for (const manifest of [playback.hls!, playback.dash!]) {
        const starts = await startTimes(manifest);
        assert.ok(starts.length >= rungs.length + 1);
        assert.deepEqual(
          starts,
          starts.map(() => 0),
          manifest,
        );
      }
    });

    test(`${name}: every segment alone, behind its init segment, starts with an IDR frame and decodes whole`, async () => {
      const { playback } = await scrambled.video(name);
      for (const track of await hlsTracks(playback.hls!)) {
        const init = await bytesOf(track.init);
        let firstFrame = 0;
        for (const [index, { url, seconds }] of track.segments.entries()) {
          const bytes = await bytesOf(url);
          const file = join(scratch, `${track.id}-${index}.mp4`);
          await writeFile(file, Buffer.concat([init, bytes]));
          const isVideo = track.kind === 'video';
          const unit = isVideo ? frameSeconds : AAC_FRAME_SECONDS;
          const expected = Math.round(seconds / unit);
          if (isVideo) assertStartsWithIdr(bytes, expected);
          const times = await frameTimes(file, isVideo ? 'v:0' : 'a:0');
          assert.equal(times.length, expected, url);
          assert.ok(Math.abs(times[0]! - firstFrame * unit) <= 2 * PRINTED, `${url} starts at ${times[0]}`);
          firstFrame += expected;
        }
      }
    });

    test(`${name}: in whatever order, and for however many at once, the bytes are the same`, async () => {
      const [a, b] = await Promise.all([scrambled.video(name), ordered.video(name)]);
      const [left, right] = [await hlsTracks(a.playback.hls!), await hlsTracks(b.playback.hls!)];
      for (const [index, track] of left.entries()) {
        const other = right[index]!;
        assert.deepEqual(await bytesOf(track.init), await bytesOf(other.init));
        for (const [number, { url }] of track.segments.entries()) {
          const isSame = Buffer.compare(await bytesOf(url), await bytesOf(other.segments[number]!.url)) === 0;
          assert.ok(isSame, `${track.id}/${number}`);
        }
      }
    });
  }
});

/** Of everything that the tracks consist of, in an order that does not depend on the manifest's. */
function addressesOf(tracks: readonly ServedTrack[]): unknown {
  return tracks.map(({ id, init, segments }) => [id, init, ...segments.map(({ url }) => url)]).toSorted();
}

/** How many segments come out of encoders for two requests for the last one, after which there is none to go on to. */
async function requestTwice(server: RealServer, name: string): Promise<number> {
  const tracks = await hlsTracks((await server.video(name)).playback.hls!);
  const { url } = tracks[0]!.segments.at(-1)!;
  const countBefore = await segmentsEncoded(server);
  const [one, other] = await Promise.all([bytesOf(url), bytesOf(url)]);
  assert.deepEqual(one, other);
  return (await segmentsEncoded(server)) - countBefore;
}

async function segmentsEncoded(server: RealServer): Promise<number> {
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  const counts = [...metrics.matchAll(/^sluice_segments_encoded_total\{.*\} (\d+)$/gm)];
  assert.ok(counts.length > 0, metrics);
  return counts.reduce((sum, [, count]) => sum + Number(count), 0);
}

/** One client: all segments of all tracks, in an order of its own. */
async function fetchScrambled(tracks: readonly ServedTrack[], seed: number): Promise<void> {
  const urls = tracks.flatMap(({ segments }) => segments.map(({ url }) => url));
  for (const url of shuffled(urls, seed)) await bytesOf(url);
}

/** The same order for the same seed, so that a failure can be repeated. */
function shuffled<T>(items: readonly T[], seed: number): readonly T[] {
  const result = [...items];
  let state = seed * 7919;
  for (let last = result.length - 1; last > 0; last--) {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    const other = state % (last + 1);
    [result[last], result[other]] = [result[other]!, result[last]!];
  }
  return result;
}

function assertStartsWithIdr(segment: Uint8Array, frames: number): void {
  const [track] = parseMediaSegment(segment);
  assert.equal(track!.samples.length, frames);
  const [first, ...rest] = track!.samples;
  const typesOf = ({ offset, bytes }: { offset: number; bytes: number }): readonly number[] =>
    splitLengthPrefixed(segment.subarray(offset, offset + bytes)).map(nalType);
  assert.deepEqual(typesOf(first!), [NAL_TYPE.idr]);
  assert.ok(first!.isSync);
  for (const sample of rest) assert.ok(!sample.isSync && !typesOf(sample).includes(NAL_TYPE.idr));
}
