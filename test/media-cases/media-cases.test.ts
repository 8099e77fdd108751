/** Kinds of files that people have, through the engine: docs/media-cases.md says what is expected of each. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startEngine } from '../../src/engine/supervisor.ts';
import { isAppError } from '../../src/errors.ts';
import type { MediaEngine } from '../../src/engine/engine.ts';
import { compare, toNumber } from '../../src/media/time.ts';
import { temporaryFolder } from '../storage/temporary-folder.ts';
import { HEIGHT, type Kit, makeKit, SECONDS, skipWithoutFfmpeg, WIDTH } from './kit.ts';
import { type Expected, isRefused } from './media-case.ts';
import { beepsOf, numbersOf, play, type Played } from './play.ts';
import { CASES, RARE } from './cases.ts';

const run = process.env['SLUICE_MEDIA_CASES'] === 'all' ? CASES : CASES.filter(({ name }) => !RARE.has(name));
const AAC_FRAME_SECONDS = 1024 / 48_000;
/** A codec may swallow the first periods of a beep that begins with the file. */
const ATTACK_SECONDS = 0.02;

test('every case has its row in docs/media-cases.md, and every row its case', () => {
  const table = readFileSync(new URL('../../docs/media-cases.md', import.meta.url), 'utf8');
  const rows = Array.from(table.matchAll(/^\| (?!case |---)(.+?) \|/gm), ([, name]) => name);
  const names = CASES.map(({ name }) => name);
  assert.deepEqual(rows.toSorted(), names.toSorted());
  assert.deepEqual(
    [...RARE].filter((name) => !names.includes(name)),
    [],
  );
});

describe('media cases', { skip: skipWithoutFfmpeg, concurrency: 2 }, () => {
  const cleanUp = new AsyncDisposableStack();
  let kit: Kit;
  let engine: MediaEngine;

  before(async () => {
    kit = await makeKit(cleanUp.use(await temporaryFolder()).path);
    engine = cleanUp.use(startEngine({ spares: 2, idleMs: 3000 }));
  });

  after(() => cleanUp.disposeAsync());

  for (const mediaCase of run) {
    test(mediaCase.name, async () => {
      const path = join(kit.folder, `${mediaCase.name}.${mediaCase.extension}`);
      await mediaCase.make(kit, path);
      const { expected } = mediaCase;
      if (isRefused(expected)) {
        await assert.rejects(
          play(engine, path),
          (error) => isAppError(error, expected.code) && expected.message.test(error.message),
        );
      } else {
        const played = await play(engine, path);
        await judge(played, expected);
        await mediaCase.check?.(played);
      }
      await rm(path);
    });
  }
});

async function judge(played: Played, expected: Expected): Promise<void> {
  await judgePicture(played, expected);
  await judgeSound(played, expected);
}

const FPS_25 = { num: 25, den: 1 };

async function judgePicture(
  { info, plan, video }: Played,
  { size = [WIDTH, HEIGHT], frameRate = FPS_25, seconds = SECONDS, shows = (index) => index }: Expected,
): Promise<void> {
  if (size === 'none') return assert.equal(info.video, undefined);
  const best = plan.presentation.tracks.find((track) => track.kind === 'video')!;
  assert.deepEqual([best.width, best.height], size);
  assert.ok(compare(best.frameRate, frameRate) === 0, `${best.frameRate.num}/${best.frameRate.den} a second`);
  const numbers = await numbersOf(video!);
  const [least, most] = boundsOf(seconds, (length) => Math.round(length * toNumber(frameRate)));
  assert.ok(numbers.length >= least && numbers.length <= most, `${numbers.length} frames, not ${least}`);
  const wanted = numbers.map((_, index) => (shows === 'anything' ? undefined : shows(index)));
  assert.deepEqual(
    numbers.map((number, index) => (wanted[index] === undefined ? undefined : number)),
    wanted,
  );
}

async function judgeSound(
  { info, audio }: Played,
  { soundSeconds = SECONDS, frameRate = FPS_25, beeps }: Expected,
): Promise<void> {
  if (beeps === 'none') return assert.equal(info.audio.length, 0);
  const frameSeconds = 1 / toNumber(frameRate);
  const { starts, seconds } = await beepsOf(audio!);
  const [least, most] = boundsOf(soundSeconds, (length) => length);
  const slack = frameSeconds + AAC_FRAME_SECONDS;
  assert.ok(seconds >= least - slack && seconds <= most + slack, `${seconds} s of sound`);
  const tolerance = Math.max(frameSeconds, ATTACK_SECONDS);
  if (beeps === 'some') {
    const isOff = (start: number): boolean => Math.abs(start - Math.round(start)) > tolerance;
    // Damage may leave one that begins in the middle of a beep.
    assert.ok(starts.filter(isOff).length <= 1 && starts.length >= 3, `beeps at ${starts.join(', ')}`);
    return;
  }
  const wanted = beeps ?? Array.from({ length: Math.ceil(most) }, (_, second) => second);
  assert.equal(starts.length, wanted.length, `beeps at ${starts.join(', ')}`);
  starts.forEach((start, index) =>
    assert.ok(Math.abs(start - wanted[index]!) <= tolerance, `a beep at ${start}, not ${wanted[index]}`),
  );
}

function boundsOf(
  expected: number | readonly [number, number],
  convert: (seconds: number) => number,
): [number, number] {
  const [least, most] = typeof expected === 'number' ? [expected, expected] : expected;
  return [convert(least), convert(most)];
}
