/** What commands refuse, in one sentence each. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { readConfig } from '../../src/config.ts';
import { isAppError } from '../../src/errors.ts';
import { runExport } from '../../src/main/export.ts';
import { runImport } from '../../src/main/import.ts';
import { progressLine } from '../../src/main/progress-line.ts';
import { temporaryFolder } from '../storage/temporary-folder.ts';

const VIDEO = `vid_${'0'.repeat(32)}`;

test('what cannot be done is refused with a reason', async () => {
  await using folder = await temporaryFolder();
  const [library, data, out] = ['library', 'data', 'out'].map((name) => join(folder.path, name));
  const environment = { SLUICE_LIBRARY: library, SLUICE_DATA: data, SLUICE_PORT: '1' };
  const config = readConfig(environment);
  const context = { config, environment, signal: new AbortController().signal };
  for (const [run, args, said] of [
    [runExport, [VIDEO, '--to', out!], /^there is no such video$/],
    [runExport, ['vid_1', '--to', out!], /^there is no such video$/],
    [
      runExport,
      [VIDEO, '--to', join(library!, 'x')],
      /x is where Sluice itself works: export to another place$/,
    ],
    [
      runExport,
      [VIDEO, '--to', 'ftp://host/path'],
      /^--to is "ftp:.*", expected the path of a folder, or s3:/,
    ],
    [runExport, [VIDEO], /^usage: sluice export/],
    [runExport, [VIDEO, '--too', 'x'], /^Unknown option '--too'; usage: sluice export/],
    [runImport, [join(folder.path, 'nothing.mp4')], /nothing\.mp4 cannot be read: ENOENT$/],
    [runImport, [folder.path], /^there are no media files$/],
    [runImport, [], /^usage: sluice import/],
  ] as const) {
    await assert.rejects(run(args, context), (error) => {
      assert.ok(isAppError(error), String(error));
      assert.match(error.message, said);
      return true;
    });
  }
});

test('progress is one line on a terminal, and a line for each tenth in a log', () => {
  for (const [isTTY, expected] of [
    [true, '\r\u001b[K1 of 20\r\u001b[K2 of 20\r\u001b[K3 of 20\n'],
    [false, '1 of 20\n2 of 20\n'],
  ] as const) {
    let text = '';
    const write = (chunk: unknown): boolean => Boolean((text += String(chunk)));
    const line = progressLine({ isTTY, write } as never);
    for (const done of [1, 2, 3]) line.show(`${done} of 20`, done / 20);
    line.end();
    line.end();
    assert.equal(text, expected);
  }
});
