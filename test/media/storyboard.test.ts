import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from '../fast-check.ts';
import { parseCaptions } from '../../src/containers/webvtt/parse-captions.ts';
import { storyboardVtt } from '../../src/formats/storyboard.ts';
import { planStoryboard, sheetCount, tilesOfSheet } from '../../src/media/storyboard.ts';

const anyVideo = fc.record({
  durationSeconds: fc.double({ min: 0.02, max: 48 * 3600, noNaN: true }),
  width: fc.integer({ min: 1, max: 8192 }),
  height: fc.integer({ min: 1, max: 8192 }),
});

test('the tiles of all sheets tile the video, and there are not too many', () => {
  fc.assert(
    fc.property(anyVideo, ({ durationSeconds, width, height }) => {
      const storyboard = planStoryboard(durationSeconds, width, height);
      const tiles = Array.from({ length: sheetCount(storyboard) }, (_, sheet) =>
        tilesOfSheet(storyboard, sheet),
      ).flat();
      assert.equal(tiles.length, storyboard.tileCount);
      assert.ok(tiles.length <= 200);
      assert.equal(tiles[0]?.startSeconds, 0);
      assert.equal(tiles.at(-1)?.endSeconds, durationSeconds);
      tiles.forEach((tile, index) => {
        assert.ok(tile.endSeconds > tile.startSeconds);
        assert.equal(tile.endSeconds, tiles[index + 1]?.startSeconds ?? durationSeconds);
      });
      assert.deepEqual(tilesOfSheet(storyboard, sheetCount(storyboard)), []);
      const { tileWidth, tileHeight } = storyboard;
      assert.ok(tileWidth % 2 === 0 && tileHeight % 2 === 0 && Math.max(tileWidth, tileHeight) === 160);
    }),
  );
});

test('intervals are those that people count in', () => {
  const intervals = [10, 200, 201, 600, 3600, 7200, 40 * 3600].map(
    (seconds) => planStoryboard(seconds, 1920, 1080).intervalSeconds,
  );
  assert.deepEqual(intervals, [1, 1, 2, 3, 20, 40, 720]);
});

test('the text says for each tile where in which sheet it lies', () => {
  const text = storyboardVtt(planStoryboard(61.5, 1080, 1920), (sheet) => `storyboard/r1/${sheet}.jpg`);
  const cues = text.trimEnd().split('\n\n').slice(1);
  assert.equal(cues.length, 62);
  assert.equal(cues[0], '00:00:00.000 --> 00:00:01.000\nstoryboard/r1/0.jpg#xywh=0,0,90,160');
  assert.equal(cues[7], '00:00:07.000 --> 00:00:08.000\nstoryboard/r1/0.jpg#xywh=180,160,90,160');
  assert.equal(cues[25], '00:00:25.000 --> 00:00:26.000\nstoryboard/r1/1.jpg#xywh=0,0,90,160');
  assert.equal(cues[61], '00:01:01.000 --> 00:01:01.500\nstoryboard/r1/2.jpg#xywh=90,320,90,160');
  assert.equal(parseCaptions(text).length, 62);
});
