import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { toQualities } from '../../web/player/engines/engine.ts';
import { mergeHead } from '../../web/src/library/merge.ts';
import { indexAt, parseRuns, storedFraction } from '../../web/src/encode-map/segments.ts';
import {
  agoText,
  bytesText,
  durationText,
  percentText,
  resolutionText,
  spokenDuration,
  timeLeftText,
} from '../../web/src/text.ts';
import { createSpeedMeter } from '../../web/src/uploads/speed.ts';

describe('what people read', () => {
  it('writes durations', () => {
    const cases: [number, string][] = [
      [0, '0:00'],
      [0.2, '0:01'],
      [59.6, '1:00'],
      [3599.4, '59:59'],
      [3600, '1:00:00'],
      [45_296, '12:34:56'],
    ];
    for (const [seconds, text] of cases) assert.equal(durationText(seconds), text);
    assert.equal(spokenDuration(3661), '1 hour 1 minute 1 second');
  });

  it('writes sizes with the next unit before four digits', () => {
    assert.deepEqual([0, 999, 1000, 999_499, 999_999, 1.5e9].map(bytesText), [
      '0 B',
      '999 B',
      '1.0 kB',
      '999 kB',
      '1.0 MB',
      '1.5 GB',
    ]);
  });

  it('never calls a part nothing or all', () => {
    assert.deepEqual([0, 0.0001, 0.42, 0.9999, 1].map(percentText), ['0%', '1%', '42%', '99%', '100%']);
  });

  it('tells the time left so coarsely that it does not jump about', () => {
    assert.deepEqual([1, 12, 54, 55, 150, 3600, 7500, 999_999].map(timeLeftText), [
      'a few seconds left',
      '15 s left',
      '55 s left',
      '1 min left',
      '3 min left',
      '1 h left',
      '2 h 5 min left',
      'more than two days left',
    ]);
  });

  it('names a picture by its shorter side', () => {
    assert.equal(resolutionText(1080, 1920), '1080p');
    assert.equal(resolutionText(3840, 1600), '4K');
    assert.equal(resolutionText(1280, 534), '534p');
  });

  it('tells how long ago', () => {
    const now = new Date('2026-06-01T12:00:00Z');
    const ago = (seconds: number) => agoText(new Date(now.getTime() - seconds * 1000), now);
    assert.deepEqual([10, 60, 3600, 86_400].map(ago), [
      'just now',
      '1 minute ago',
      '1 hour ago',
      'yesterday',
    ]);
    assert.match(ago(90 * 86_400), /2026/);
  });
});

describe('qualities', () => {
  it('are sorted from the best down, and told apart where the size is the same', () => {
    const rungs = [
      { id: 'a', width: 640, height: 360, bitsPerSecond: 5e5 },
      { id: 'b', width: 1080, height: 1920, bitsPerSecond: 3e6 },
      { id: 'c', width: 1920, height: 1080, bitsPerSecond: 6e6 },
    ];
    assert.deepEqual(
      toQualities(rungs).map(({ id, label }) => [id, label]),
      [
        ['c', '1080p · 6.0 Mb/s'],
        ['b', '1080p · 3.0 Mb/s'],
        ['a', '360p'],
      ],
    );
  });
});

describe('merging the newest page into the library', () => {
  it('puts new ones first and keeps what was fetched further down', () => {
    assert.deepEqual(merge('cdefgh', 'abcd', 'x'), ['abcdefgh', true]);
  });

  it('drops those that are gone', () => {
    assert.deepEqual(merge('abcdef', 'acd', 'x'), ['acdef', true]);
    assert.deepEqual(merge('abcdef', 'ac'), ['ac', false]);
  });

  it('starts over where there is a hole between', () => {
    assert.deepEqual(merge('xyz', 'abcd', 'c'), ['abcd', false]);
  });

  it('takes the page’s cursor when nothing else is known', () => {
    assert.deepEqual(merge('', 'abcd', 'c'), ['abcd', false]);
    assert.deepEqual(merge('abcd', 'abcd', 'c'), ['abcd', false]);
  });
});

function itemsOf(ids: string): { id: string }[] {
  return [...ids].map((id) => ({ id }));
}

function merge(known: string, page: string, nextCursor?: string): [string, boolean] {
  const items = itemsOf(page);
  const merged = mergeHead(itemsOf(known), nextCursor === undefined ? { items } : { items, nextCursor });
  return [merged.items.map(({ id }) => id).join(''), merged.keepsCursor];
}

describe('speed of an upload', () => {
  it('is that of the last seconds, and unknown at first', () => {
    const meter = createSpeedMeter();
    meter.add(0, 0);
    assert.equal(meter.bytesPerSecond(), undefined);
    meter.add(1000, 1_000_000);
    assert.equal(meter.bytesPerSecond(), 1_000_000);
    for (let second = 2; second <= 20; second++) meter.add(second * 1000, 1_000_000);
    assert.equal(meter.bytesPerSecond(), 0);
  });

  it('starts over where an upload does', () => {
    const meter = createSpeedMeter();
    meter.add(0, 5000);
    meter.add(1000, 9000);
    meter.add(2000, 100);
    assert.equal(meter.bytesPerSecond(), undefined);
    meter.add(3000, 300);
    assert.equal(meter.bytesPerSecond(), 200);
  });
});

describe('encode map', () => {
  it('reads runs of states', () => {
    assert.deepEqual(parseRuns('s2ew'), ['stored', 'stored', 'encoding', 'waiting']);
    assert.deepEqual(parseRuns(''), []);
    assert.equal(parseRuns('w1800').length, 1800);
  });

  it('finds the segment at a time, at the very end too', () => {
    const track = { segmentSeconds: 4, states: parseRuns('s3w'), seen: [] };
    assert.deepEqual(
      [0, 3.99, 4, 16, 99].map((seconds) => indexAt(track, seconds)),
      [0, 0, 1, 3, 3],
    );
    assert.equal(storedFraction(track), 0.75);
  });
});
