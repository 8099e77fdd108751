/** What holds of every streaming format, whatever it looks like. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from '../fast-check.ts';
import type { Format, FormatInput } from '../../src/formats/format.ts';
import { anyPresentation } from '../formats/presentations.ts';

/** Runs the suite on one format, with any presentation that fast-check can think of. */
export function testFormat(format: Format): void {
  test(`${format.name}: what players are given comes first, and each path is listed once`, () => {
    holds((input) => {
      const paths = format.paths(input);
      assert.equal(new Set(paths).size, paths.length);
      if (format.accepts?.(input.presentation) === false) return assert.deepEqual(paths, []);
      const files = format.qualities?.(input.presentation).map(({ path }) => path) ?? [];
      assert.equal(paths[0], format.entry ?? files[0]);
      for (const path of paths) assert.ok(path.startsWith(`${format.name}/`), path);
    });
  });

  test(`${format.name}: every path that is listed resolves, and nothing else does`, () => {
    holds((input) => {
      const paths = format.paths(input);
      for (const path of paths) assert.ok(format.resolve(input, path), path);
      for (const path of ['', `${format.name}/`, `${format.name}/..`, `/${paths[0]}`, `${paths[0]}/x`]) {
        assert.equal(format.resolve(input, path), undefined, path);
      }
    });
  });

  test(`${format.name}: whatever it is made of is planned, and addresses with media in them name the revision`, () => {
    holds((input) => {
      const planned = new Set(
        input.presentation.tracks.flatMap(({ id, segments }) =>
          ['init', ...segments.map(({ index }) => index)].map((index) => `${id}/${index}`),
        ),
      );
      for (const path of format.paths(input)) {
        const found = format.resolve(input, path);
        if (found === undefined || found.kind === 'manifest') continue;
        for (const { trackId, index } of found.inputs) assert.ok(planned.has(`${trackId}/${index}`), path);
        // Such answers are kept for ever: what changes with the source must change its address.
        if (found.kind === 'rewrapped') assert.ok(path.split('/').includes(input.revision), path);
      }
    });
  });
}

function holds(check: (input: FormatInput) => void): void {
  const property = fc.property(anyPresentation, (presentation) => check({ presentation, revision: 'r1' }));
  fc.assert(property, { numRuns: 60 });
}
