import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseCoding, isCompressible } from '../../src/server/content-coding.ts';

test('the coding with the highest weight is chosen, br before gzip', () => {
  for (const [header, expected] of [
    [undefined, undefined],
    ['', undefined],
    ['gzip, deflate, br, zstd', 'br'],
    ['gzip', 'gzip'],
    ['GZIP', 'gzip'],
    ['*', 'br'],
    ['br;q=0, *', 'gzip'],
    ['br;q=0.5, gzip;q=0.8', 'gzip'],
    ['gzip;q=0', undefined],
    ['identity', undefined],
    ['identity, br;q=0.5', undefined],
    ['identity;q=0.2, br ; q=0.5', 'br'],
    ['br;q=x', undefined],
    ['deflate', undefined],
  ] as const) {
    assert.equal(chooseCoding(header), expected, `${header}`);
  }
});

test('manifests, JSON and pages are compressed; media and small answers are not', () => {
  for (const mediaType of [
    'application/vnd.apple.mpegurl',
    'application/dash+xml',
    'application/json; charset=utf-8',
    'text/vtt',
    'text/html; charset=utf-8',
    'image/svg+xml',
  ]) {
    assert.ok(isCompressible(mediaType, 10_000), mediaType);
    assert.ok(!isCompressible(mediaType, 100), mediaType);
    assert.ok(!isCompressible(mediaType, 100_000_000), mediaType);
  }
  for (const mediaType of ['video/mp4', 'video/iso.segment', 'video/mp2t', 'image/jpeg', 'font/woff2']) {
    assert.ok(!isCompressible(mediaType, 10_000), mediaType);
  }
});
