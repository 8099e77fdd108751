import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  formatEntityTag,
  isNotModified,
  isPreconditionFailed,
  isRangeCurrent,
} from '../../src/server/conditions.ts';

const strong = { tag: 'a,b', isWeak: false };
const weak = { tag: 'a,b', isWeak: true };

test('If-None-Match compares weakly, any of a list, or everything', () => {
  for (const header of ['"a,b"', 'W/"a,b"', '"x", W/"a,b" ,"y"', '*', ' * ']) {
    assert.ok(isNotModified(header, strong), `${header}`);
    assert.ok(isNotModified(header, weak), header);
  }
  for (const header of [undefined, '', '"a"', '"a", "b"', 'a,b', '"A,B"', '"a,b-br"']) {
    assert.ok(!isNotModified(header, strong), `${header}`);
  }
});

test('If-Match compares strongly', () => {
  for (const header of [undefined, '*', '"a,b"', '"x", "a,b"']) {
    assert.ok(!isPreconditionFailed(header, strong), `${header}`);
  }
  for (const header of ['"x"', 'W/"a,b"', '']) assert.ok(isPreconditionFailed(header, strong), `${header}`);
  assert.ok(isPreconditionFailed('"a,b"', weak));
});

test('If-Range honours a range for exactly the same bytes only', () => {
  assert.ok(isRangeCurrent(undefined, strong));
  assert.ok(isRangeCurrent('"a,b"', strong));
  for (const header of ['W/"a,b"', '"x"', '*', '"a,b", "a,b"', 'Sun, 22 Nov 2026 21:55:55 GMT']) {
    assert.ok(!isRangeCurrent(header, strong), `${header}`);
  }
  assert.ok(!isRangeCurrent('"a,b"', weak));
});

test('a weak tag says so', () => {
  assert.equal(formatEntityTag(strong), '"a,b"');
  assert.equal(formatEntityTag(weak), 'W/"a,b"');
});
