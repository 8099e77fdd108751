/** The suite of all formats, and FFmpeg as a listener. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { testFormat } from '../../test/contracts/format.contract.ts';
import { encodeAudioTrack } from '../../test/encoded-track.ts';
import { temporaryFolder } from '../../test/storage/temporary-folder.ts';
import { requireTool } from '../../test/tools.ts';
import { radio } from './radio.ts';

const ffprobe = requireTool('ffprobe');
const FRAMES = 130;

testFormat(radio);

test('every frame of the sound arrives', { skip: ffprobe.skip }, async () => {
  await using folder = await temporaryFolder();
  const { track, init, segments } = encodeAudioTrack('a1', { frames: FRAMES, framesPerSegment: 47 });
  const input = { presentation: { tracks: [track] }, revision: 'r1' };
  const entry = radio.resolve(input, radio.entry!);
  assert.ok(entry?.kind === 'manifest');
  const links = entry.text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  assert.equal(links.length, segments.length);
  const pieces = links.map((link) => {
    const found = radio.resolve(input, `radio/${link}`);
    assert.ok(found?.kind === 'rewrapped');
    return found.make(found.inputs.map(({ index }) => (index === 'init' ? init : segments[index]!)));
  });
  const file = join(folder.path, 'radio.aac');
  await writeFile(file, Buffer.concat(pieces));
  const options = [
    '-v',
    'error',
    '-count_frames',
    '-show_entries',
    'stream=nb_read_frames,profile',
    '-of',
    'csv=p=0',
  ];
  assert.equal(execFileSync(ffprobe.path, [...options, file], { encoding: 'utf8' }).trim(), `LC,${FRAMES}`);
});
