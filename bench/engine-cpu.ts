/**
 * The processor time of our engine for the whole ladder of a file, children included, against one `ffmpeg` command
 * line that makes the same rungs from one decode with the same x264 settings. In turn, so that whatever else the
 * machine does meets both. Prints each pair and the median of their ratios.
 *
 *   node bench/engine-cpu.ts [file] [pairs]
 */
import { existsSync } from 'node:fs';
import { planSource, type TrackEncoding } from '../src/media/plan.ts';
import { BIG_BUCK_BUNNY, SAMPLE } from '../test/e2e/real-server.ts';
import { encodeByCommandLine } from './command-line.ts';
import { encodeByEngine, inspect } from './engine-work.ts';
import { median, used } from './processor-time.ts';

const LIMIT = 1.05;

const [file = existsSync(BIG_BUCK_BUNNY) ? BIG_BUCK_BUNNY : SAMPLE, pairs = '5'] = process.argv.slice(2);
const info = await inspect(file);
const plan = planSource(info);
const everything = [...plan.encodings.values()];
const ratios = [
  await compare(
    'pictures',
    everything.filter(({ kind }) => kind === 'video'),
  ),
  await compare('pictures and sound', everything),
];
process.exitCode = Math.max(...ratios) <= LIMIT ? 0 : 1;

/** The median ratio of some pairs. */
async function compare(what: string, encodings: readonly TrackEncoding[]): Promise<number> {
  const pairRatios: number[] = [];
  for (let pair = 0; pair < Number(pairs); pair++) {
    const ours = await used(() => encodeByEngine(file, info, encodings));
    const theirs = await used(() => encodeByCommandLine(file, encodings, () => '/dev/null'));
    pairRatios.push(ours / theirs);
    const seconds = `engine ${ours.toFixed(2)} s, ffmpeg ${theirs.toFixed(2)} s of processor time`;
    console.log(`${what}: ${seconds}, ratio ${pairRatios.at(-1)!.toFixed(3)}`);
  }
  const ratio = median(pairRatios);
  const verdict = ratio <= LIMIT ? 'holds' : 'DOES NOT HOLD';
  console.log(`${what}: median ratio ${ratio.toFixed(3)}, at most ${LIMIT}: ${verdict}`);
  return ratio;
}
