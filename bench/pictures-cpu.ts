/**
 * The processor time of the pictures of an upload (its poster, and every sheet of its storyboard), children included,
 * against that of its ladder. The source is repeated to so many minutes; the ladder is encoded once, and costs as much
 * for each repetition. Prints each pair and the median of their ratios.
 *
 *   node bench/pictures-cpu.ts [minutes] [file] [pairs]
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { promisify } from 'node:util';
import type { WantedPicture } from '../src/engine/protocol.ts';
import { startEngine } from '../src/engine/supervisor.ts';
import { planSource } from '../src/media/plan.ts';
import { presentationDurationSeconds } from '../src/media/presentation.ts';
import type { SourceInfo } from '../src/media/source.ts';
import { planStoryboard, sheetCount } from '../src/media/storyboard.ts';
import { BIG_BUCK_BUNNY, SAMPLE } from '../test/e2e/real-server.ts';
import { encodeByEngine, inspect, never, openSource } from './engine-work.ts';
import { median, used } from './processor-time.ts';

const LIMIT = 0.03;

const [minutes = '60', file = existsSync(BIG_BUCK_BUNNY) ? BIG_BUCK_BUNNY : SAMPLE, pairs = '3'] =
  process.argv.slice(2);
const folder = await mkdtemp(join(tmpdir(), 'sluice-bench-'));
try {
  const short = await inspect(file);
  const plan = planSource(short);
  const times = Math.ceil((Number(minutes) * 60) / presentationDurationSeconds(plan.presentation));
  const long = join(folder, `long${extname(file)}`);
  const loop = ['-v', 'error', '-stream_loop', String(times - 1), '-i', file, '-c', 'copy', long];
  await promisify(execFile)('ffmpeg', loop);
  const info = await inspect(long);
  const ratios: number[] = [];
  for (let pair = 0; pair < Number(pairs); pair++) {
    const pictures = await used(() => takePictures(long, info));
    const ladder = times * (await used(() => encodeByEngine(file, short, [...plan.encodings.values()])));
    ratios.push(pictures / ladder);
    const seconds = `pictures ${pictures.toFixed(1)} s, ladder ${ladder.toFixed(0)} s of processor time`;
    console.log(`${minutes} min: ${seconds}, ratio ${ratios.at(-1)!.toFixed(4)}`);
  }
  const ratio = median(ratios);
  console.log(
    `median ratio ${ratio.toFixed(4)}, at most ${LIMIT}: ${ratio <= LIMIT ? 'holds' : 'DOES NOT HOLD'}`,
  );
  process.exitCode = ratio <= LIMIT ? 0 : 1;
} finally {
  await rm(folder, { recursive: true });
}

async function takePictures(path: string, info: SourceInfo): Promise<void> {
  const seconds = presentationDurationSeconds(planSource(info).presentation);
  const { displayWidth = 0, displayHeight = 0 } = info.video ?? {};
  const storyboard = planStoryboard(seconds, displayWidth, displayHeight);
  const sheets = Array.from({ length: sheetCount(storyboard) }, (_, sheet) => sheet);
  const wanted: readonly WantedPicture[] = [
    { kind: 'best', maxSide: 960 },
    ...sheets.map((sheet) => ({ kind: 'sheet', storyboard, sheet }) as const),
  ];
  await using engine = startEngine({ spares: 0, idleMs: 60_000 });
  await using source = await openSource(path);
  for (const one of wanted)
    await engine.picture({ source, info, wanted: one, priority: 'background' }, never);
}
