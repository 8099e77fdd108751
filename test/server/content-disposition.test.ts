import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from '../fast-check.ts';
import { contentDisposition } from '../../src/server/content-disposition.ts';

test('a plain name stays as it is', () => {
  assert.equal(
    contentDisposition('attachment', 'Holiday 480p.mp4'),
    'attachment; filename="Holiday 480p.mp4"',
  );
});

test('other letters are said in UTF-8, with a stand-in for old readers', () => {
  assert.equal(
    contentDisposition('inline', "Émil's 100% (2).mp4"),
    `inline; filename="_mil's 100_ (2).mp4"; filename*=UTF-8''%C3%89mil%27s%20100%25%20%282%29.mp4`,
  );
});

test('whatever the name, the field has one line, its quotes close, and no path is in it', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (name) => {
      const value = contentDisposition('attachment', name);
      assert.match(value, /^attachment; filename="[ !#-[\]-~]*"(; filename\*=UTF-8''[\w.!~%-]*)?$/);
      const encoded = /UTF-8''(.*)$/.exec(value)?.[1] ?? '';
      assert.doesNotMatch(decodeURIComponent(encoded), /[/\\\n\r]/);
    }),
  );
});
