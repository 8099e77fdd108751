/** Flash and beep of the test picture, from what HLS and DASH hand out: together at the start and at the end. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Rational } from '../../src/media/time.ts';
import { makeSource } from '../fixtures/source.ts';
import { temporaryFolder } from '../storage/temporary-folder.ts';
import { beepsIn, frameTimes, type Look, looks, samples, skipWithoutFfmpeg, startTimes } from './judge.ts';
import { type RealServer, SAMPLE, serverFolders, startServer } from './real-server.ts';
import { bytesOf, dashTracks, hlsTracks, type ServedTrack } from './served-tracks.ts';

const NTSC: Rational = { num: 30_000, den: 1001 };
/** Two segments, and enough beeps. */
const LATE_SECONDS = 8;
const LONG_SECONDS = 600;
/** Of the long source; whole frames and whole seconds, so that its repetition is seamless. */
const LOOP_SECONDS = 10;
/** Segments of the long source that are judged at each end: 12 s. */
const SEGMENTS_AT_END = 3;

/** Containers keep a later start each in their own way: edit lists, time stamps, both from anywhere. */
const LATE_SOUND = ['late sound.mp4', 'late sound.mkv', 'late sound.ts'];
const LATE_PICTURE = ['late picture.mp4', 'late picture.mkv', 'late picture.ts'];

const smallest = { kind: 'video', width: 426, height: 240 } as const;

describe('sync', { skip: skipWithoutFfmpeg }, () => {
  const cleanUp = new AsyncDisposableStack();
  let scratch: string;
  let long: string;
  let server: RealServer;

  before(async () => {
    scratch = cleanUp.use(await temporaryFolder()).path;
    for (const file of [...LATE_SOUND, ...LATE_PICTURE]) {
      const isPictureLate = LATE_PICTURE.includes(file);
      await makeSource(join(scratch, file), [
        {
          ...smallest,
          seconds: LATE_SECONDS,
          frameRate: NTSC,
          startSeconds: isPictureLate ? 1001 / 1000 : 0,
        },
        { kind: 'audio', seconds: LATE_SECONDS - 0.5, startSeconds: isPictureLate ? 0 : 0.5 },
      ]);
    }
    long = join(scratch, 'ten minutes.mp4');
    await makeSource(long, [
      { ...smallest, seconds: LONG_SECONDS, loopSeconds: LOOP_SECONDS },
      { kind: 'audio', seconds: LONG_SECONDS },
    ]);
    const late = [...LATE_SOUND, ...LATE_PICTURE].map((file) => join(scratch, file));
    const folders = cleanUp.use(await serverFolders([SAMPLE, long, ...late]));
    server = cleanUp.use(await startServer(folders));
  });

  after(() => cleanUp.disposeAsync());

  for (const format of ['hls', 'dash'] as const) {
    test(`the sample, as ${format}`, async (t) => {
      const tracks = await tracksOf(server, SAMPLE, format);
      const count = tracks.video.segments.length;
      for (const [first, end] of [
        [0, 2],
        [count - 2, count],
      ] as const) {
        const { flashes, beeps } = await decoded(scratch, tracks, first, end);
        report(t, assertTogether(flashes, beeps, NTSC));
      }
    });

    for (const file of LATE_SOUND) {
      test(`${file}, which starts half a second after the picture, as ${format}`, async (t) => {
        const tracks = await tracksOf(server, file, format);
        const { flashes, beeps } = await decoded(scratch, tracks, 0, tracks.video.segments.length);
        // The beep of second 0 would lie before the sound begins; all others are in place.
        assert.equal(Math.round(beeps[0]!), 1);
        assert.equal(beeps.length, LATE_SECONDS - 1);
        report(t, assertTogether(flashes, beeps, NTSC));
      });
    }

    for (const file of LATE_PICTURE) {
      test(`${file}, which starts a second after the sound, as ${format}`, async () => {
        // AAC begins with 21 ms that decoders swallow. Matroska has them before time 0, where they do not count; in
        // MPEG-TS they are sound like any other, so there the picture is later still.
        const [picture, sound] = await startTimes(join(scratch, file));
        const lateFrames = Math.round(((picture! - Math.max(0, sound!)) * NTSC.num) / NTSC.den);
        assert.ok(lateFrames >= 30);
        const tracks = await tracksOf(server, file, format);
        const count = tracks.video.segments.length;
        const { shown, beeps } = await decoded(scratch, tracks, 0, count);
        // The first picture stands until its second has come, then each follows in its frame.
        shown.forEach(({ number }, frame) => assert.equal(number, Math.max(0, frame - lateFrames)));
        assert.ok(shown.length >= lateFrames + Math.floor((LATE_SECONDS * NTSC.num) / NTSC.den));
        beeps.forEach((seconds, second) =>
          assert.ok(Math.abs(seconds - second) < NTSC.den / NTSC.num, `beep ${second} at ${seconds}`),
        );
        assert.equal(beeps.length, LATE_SECONDS);
      });
    }

    test(`the first and the last seconds of ten minutes, as ${format}`, async (t) => {
      const tracks = await tracksOf(server, long, format);
      const count = tracks.video.segments.length;
      assert.equal(count, LONG_SECONDS / 4);
      for (const [first, end] of [
        [0, SEGMENTS_AT_END],
        [count - SEGMENTS_AT_END, count],
      ] as const) {
        const { flashes, beeps } = await decoded(scratch, tracks, first, end);
        report(t, assertTogether(flashes, beeps, { num: 30, den: 1 }));
      }
    });
  }
});

type Pair = { readonly video: ServedTrack; readonly audio: ServedTrack };

/** The smallest picture and the sound, as the manifest of the format lists them. */
async function tracksOf(server: RealServer, path: string, format: 'hls' | 'dash'): Promise<Pair> {
  const { playback } = await server.video(basename(path));
  const tracks = await (format === 'hls' ? hlsTracks(playback.hls!) : dashTracks(playback.dash!));
  return { video: tracks.find(({ id }) => id === 'v240p')!, audio: tracks.find(({ id }) => id === 'a1')! };
}

type Decoded = {
  readonly shown: readonly Look[];
  /** Where flashes and beeps begin, in seconds of the presentation. */
  readonly flashes: readonly number[];
  readonly beeps: readonly number[];
};

/** By the addresses of what was decoded: HLS and DASH list the same, which need not be decoded twice. */
const known = new Map<string, Promise<Decoded>>();

/** Some segments, as FFmpeg decodes them. */
function decoded(scratch: string, tracks: Pair, first: number, end: number): Promise<Decoded> {
  const addresses = [tracks.video, tracks.audio].flatMap(({ init, segments }) => [
    init,
    ...segments.slice(first, end).map(({ url }) => url),
  ]);
  const key = addresses.join(' ');
  const result = known.get(key) ?? decode(scratch, tracks, first, end);
  known.set(key, result);
  return result;
}

async function decode(scratch: string, { video, audio }: Pair, first: number, end: number): Promise<Decoded> {
  const picture = await joined(scratch, video, first, end);
  const sound = await joined(scratch, audio, first, end);
  const [pictureTimes, [soundStart]] = [await frameTimes(picture, 'v:0'), await startTimes(sound)];
  const shown = await looks(picture, 'v:0');
  const beeps = beepsIn(await samples(sound)).map((seconds) => seconds + soundStart!);
  return { shown, flashes: flashStarts(shown).map((frame) => pictureTimes[frame]!), beeps };
}

async function joined(scratch: string, track: ServedTrack, first: number, end: number): Promise<string> {
  const parts = [await bytesOf(track.init)];
  for (const { url } of track.segments.slice(first, end)) parts.push(await bytesOf(url));
  const file = join(scratch, `${track.id}-${first}.mp4`);
  await writeFile(file, Buffer.concat(parts));
  return file;
}

/** Frames that flash while the one before does not; the very first counts, for time begins with a flash. */
function flashStarts(shown: readonly Look[]): readonly number[] {
  return shown.flatMap(({ isFlash }, frame) =>
    isFlash && shown[frame - 1]?.isFlash !== true ? [frame] : [],
  );
}

/**
 * Every flash but those at the very edges of what was decoded has its beep within one frame; gives the largest
 * distance in seconds, with its sign.
 */
function assertTogether(flashes: readonly number[], beeps: readonly number[], rate: Rational): number {
  const [from, to] = [beeps[0]!, beeps.at(-1)!];
  const judged = flashes.filter((seconds) => seconds >= from - 0.5 && seconds <= to + 0.5);
  assert.ok(judged.length >= 6, `${judged.length} flashes between beeps from ${from} to ${to}`);
  let worst = 0;
  for (const flash of judged) {
    const distances = beeps.map((beep) => beep - flash);
    const nearest = distances.reduce((a, b) => (Math.abs(b) < Math.abs(a) ? b : a));
    assert.ok(Math.abs(nearest) <= rate.den / rate.num, `flash at ${flash}: beep ${nearest} s later`);
    if (Math.abs(nearest) > Math.abs(worst)) worst = nearest;
  }
  return worst;
}

function report(t: { diagnostic(message: string): void }, seconds: number): void {
  t.diagnostic(`beeps at most ${(seconds * 1000).toFixed(1)} ms after flashes`);
}
