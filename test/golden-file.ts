/** Texts that must not change unnoticed. `UPDATE_GOLDEN=1` writes them anew: read the difference in git. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Compares `actual` with `test/golden/<name>`. */
export function assertGolden(name: string, actual: string): void {
  const path = fileURLToPath(new URL(`golden/${name}`, import.meta.url));
  if (process.env['UPDATE_GOLDEN'] === '1') {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, actual);
  }
  assert.equal(
    actual,
    readFileSync(path, 'utf8'),
    `test/golden/${name} differs (UPDATE_GOLDEN=1 rewrites it)`,
  );
}
