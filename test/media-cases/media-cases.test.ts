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
import { type Kit, makeKit, SECONDS, skipWithoutFfmpeg } from './kit.ts';
import { type Expected, isRefused, type MediaCase } from './media-case.ts';
import { beepsOf, numbersOf, play, type Played } from './play.ts';
import { CODEC_CASES } from './codec-cases.ts';
import { COLOR_CASES } from './color-cases.ts';
import { CONTAINER_CASES } from './container-cases.ts';
import { SCAN_CASES } from './scan-cases.ts';
import { SHAPE_CASES } from './shape-cases.ts';
import { TIMING_CASES } from './timing-cases.ts';

const CASES: readonly MediaCase[] = [
  ...SHAPE_CASES,
  ...TIMING_CASES,
  ...CODEC_CASES,
  ...CONTAINER_CASES,
  ...COLOR_CASES,
  ...SCAN_CASES,
];
const AAC_FRAME_SECONDS = 1024 / 48_000;
/** A codec may swallow the first periods of a beep that begins with the file. */
const ATTACK_SECONDS = 0.02;

test('every case has its row in docs/media-cases.md, and every row its case', () => {
  const table = readFileSync(new URL('../../docs/media-cases.md', import.meta.url), 'utf8');
  const rows = Array.from(table.matchAll(/^\| (?!case |---)(.+?) \|/gm), ([, name]) => name);
  assert.deepEqual(rows.toSorted(), CASES.map(({ name }) => name).toSorted());
});

describe('media cases', { skip: skipWithoutFfmpeg, concurrency: 2 }, () => {
  const cleanUp = new AsyncDisposableStack();
  let kit: Kit;
  let engine: MediaEngine;

  before(async () => {
    kit = await makeKit(cleanUp.use(await temporaryFolder()).path);
    engine = cleanUp.use(startEngine({ spares: 2, idleMs: 1 }));
  });

  after(() => cleanUp.disposeAsync());

  for (const mediaCase of CASES) {
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

async function judgePicture(
  { info, plan, video }: Played,
  {
    size = [320, 180],
    frameRate = { num: 25, den: 1 },
    seconds = SECONDS,
    shows = (index) => index,
  }: Expected,
): Promise<void> {
  if (size === 'none') return assert.equal(info.video, undefined);
  const best = plan.presentation.tracks.find((track) => track.kind === 'video')!;
  assert.deepEqual([best.width, best.height], size);
  assert.ok(compare(best.frameRate, frameRate) === 0, `${best.frameRate.num}/${best.frameRate.den} a second`);
  const numbers = await numbersOf(video!);
  const wanted = Array.from({ length: Math.round(seconds * toNumber(frameRate)) }, (_, index) =>
    shows === 'anything' ? undefined : shows(index),
  );
  assert.equal(numbers.length, wanted.length, 'frames');
  assert.deepEqual(
    numbers.map((number, index) => (wanted[index] === undefined ? undefined : number)),
    wanted,
  );
}

async function judgeSound(
  { info, audio }: Played,
  { soundSeconds = SECONDS, frameRate = { num: 25, den: 1 }, beeps }: Expected,
): Promise<void> {
  if (beeps === 'none') return assert.equal(info.audio.length, 0);
  const wanted = beeps ?? Array.from({ length: Math.ceil(soundSeconds) }, (_, second) => second);
  const frameSeconds = 1 / toNumber(frameRate);
  const heard = await beepsOf(audio!);
  assert.ok(
    Math.abs(heard.seconds - soundSeconds) <= frameSeconds + AAC_FRAME_SECONDS,
    `${heard.seconds} s of sound`,
  );
  assert.equal(heard.starts.length, wanted.length, `beeps at ${heard.starts.join(', ')}`);
  heard.starts.forEach((start, index) =>
    assert.ok(
      Math.abs(start - wanted[index]!) <= Math.max(frameSeconds, ATTACK_SECONDS),
      `a beep at ${start}, not ${wanted[index]}`,
    ),
  );
}
