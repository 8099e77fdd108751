import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from '../fast-check.ts';
import { isAppError } from '../../src/errors.ts';
import { keyAt, locationOf, resolveLocation } from '../../src/readers/reference.ts';
import { parseObjectKey } from '../../src/storage/object-key.ts';

const MANIFEST = locationOf(parseObjectKey('films/one/main.m3u8'));

function resolve(uri: string): string {
  return keyAt(resolveLocation(MANIFEST, uri));
}

describe('references', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['seg.ts', 'films/one/seg.ts'],
    ['./a/./b/seg.ts', 'films/one/a/b/seg.ts'],
    ['../segments/x.ts', 'films/segments/x.ts'],
    ['%2e%2e/x.ts', 'films/x.ts'],
    ['two%20words%23.ts?token=1#t=2', 'films/one/two words#.ts'],
    ['100%25.ts', 'films/one/100%.ts'],
    ['caf%C3%A9.ts', 'films/one/café.ts'],
    [' seg.ts ', 'films/one/seg.ts'],
  ];
  for (const [uri, key] of cases) test(`${uri} is ${key}`, () => assert.equal(resolve(uri), key));

  const refused = [
    'https://example.org/seg.ts',
    'file:///etc/passwd',
    'data:video/mp4;base64,AAAA',
    'javascript:alert(1)',
    '//example.org/seg.ts',
    '/etc/passwd',
    '\\\\example.org\\seg.ts',
    'ht\ttps://example.org/seg.ts',
    '../../../seg.ts',
    '%2e%2e/%2e%2e/%2e%2e/seg.ts',
    '..%2f..%2f..%2fetc/passwd',
    'a%5c..%5cb.ts',
    'broken%zz.ts',
    'nul%00.ts',
    'folder/',
    'a//seg.ts',
    '..',
  ];
  for (const uri of refused) {
    test(`${JSON.stringify(uri)} is refused`, () => {
      assert.throws(
        () => resolve(uri),
        (error) => isAppError(error, 'package_invalid'),
      );
    });
  }

  test('whatever a reference says, a browser looks for the same file, or it is refused', () => {
    const part = fc.oneof(
      fc.constantFrom(
        '..',
        '.',
        '',
        '%2e',
        '%2E%2e',
        'a',
        'b.ts',
        '%20',
        '%25',
        '%2f',
        '\\',
        ':',
        '?',
        '#',
        'é',
        '%zz',
      ),
      fc.string({ maxLength: 6 }),
    );
    const uri = fc
      .array(part, { maxLength: 8 })
      .chain((parts) => fc.constantFrom(parts.join('/'), parts.join('')));
    fc.assert(
      fc.property(uri, (text) => {
        let key: string;
        try {
          key = resolve(text);
        } catch (error) {
          assert.ok(isAppError(error, 'package_invalid'), String(error));
          return;
        }
        const url = new URL(text, 'http://host/films/one/main.m3u8');
        assert.equal(url.origin, 'http://host');
        assert.equal(key, decodeURIComponent(url.pathname).slice(1));
      }),
      { numRuns: 3000 },
    );
  });
});
