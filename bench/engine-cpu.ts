/**
 * The processor time of our engine for the whole ladder of a file, children included, against one `ffmpeg` command
 * line that makes the same rungs from one decode with the same x264 settings. In turn, so that whatever else the
 * machine does meets both. Prints each pair and the median of their ratios.
 *
 *   node bench/engine-cpu.ts [file] [pairs]
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { framesPerSegment } from '../src/media/grid.ts';
import { type AudioEncoding, planSource, type TrackEncoding, type VideoEncoding } from '../src/media/plan.ts';
import { BIG_BUCK_BUNNY, SAMPLE } from '../test/e2e/real-server.ts';
import { audiosOf, encodeByEngine, inspect, videosOf } from './engine-work.ts';
import { median, used } from './processor-time.ts';

const LIMIT = 1.05;
/** Packed as we pack, and thrown away as we do here: disks are not measured. */
const NOWHERE = ['-movflags', '+frag_keyframe+empty_moov', '-f', 'mp4', '-y', '/dev/null'];

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
    const theirs = await used(() => encodeByCommandLine(file, encodings));
    pairRatios.push(ours / theirs);
    const seconds = `engine ${ours.toFixed(2)} s, ffmpeg ${theirs.toFixed(2)} s of processor time`;
    console.log(`${what}: ${seconds}, ratio ${pairRatios.at(-1)!.toFixed(3)}`);
  }
  const ratio = median(pairRatios);
  const verdict = ratio <= LIMIT ? 'holds' : 'DOES NOT HOLD';
  console.log(`${what}: median ratio ${ratio.toFixed(3)}, at most ${LIMIT}: ${verdict}`);
  return ratio;
}

async function encodeByCommandLine(path: string, encodings: readonly TrackEncoding[]): Promise<void> {
  const videos = videosOf(encodings);
  const split = `[0:v:0]split=${videos.length}${videos.map((_, index) => `[s${index}]`).join('')}`;
  const scales = videos.map(
    ({ rung }, index) =>
      `[s${index}]scale=${rung.width}:${rung.height}:flags=bicubic,format=yuv420p[o${index}]`,
  );
  const pictures = videos.flatMap((encoding, index) => ['-map', `[o${index}]`, ...videoSettings(encoding)]);
  const sound = audiosOf(encodings).flatMap((audio) => ['-map', '0:a:0', ...audioSettings(audio)]);
  await run(['-i', path, '-filter_complex', [split, ...scales].join(';'), ...pictures, ...sound]);
}

/** What src/engine/child/video-encoder.ts and encode-audio.ts set, and a keyframe where our segments begin. */
function videoSettings({ rung, frameRate, reorderFrames }: VideoEncoding): string[] {
  const keyframes = framesPerSegment(frameRate);
  const settings = {
    'c:v': 'libx264',
    preset: 'veryfast',
    'profile:v': 'high',
    'level:v': (rung.level / 10).toFixed(1),
    crf: rung.crf,
    maxrate: rung.maxBitsPerSecond,
    bufsize: rung.bufferBits,
    refs: 1,
    bf: reorderFrames === 0 ? 0 : 3,
    b_strategy: 1,
    g: keyframes,
    keyint_min: keyframes,
    'threads:v': rung.threads,
    'x264-params': 'b-pyramid=none:open-gop=0:nal-hrd=none:force-cfr=1:stitchable=1:cpu-independent=1',
  };
  return [...Object.entries(settings).flatMap(([name, value]) => [`-${name}`, String(value)]), ...NOWHERE];
}

function audioSettings({ bitsPerSecond }: AudioEncoding): string[] {
  return [
    '-c:a',
    'aac',
    '-aac_coder',
    'fast',
    '-b:a',
    String(bitsPerSecond),
    '-ac',
    '2',
    '-ar',
    '48000',
    ...NOWHERE,
  ];
}

async function run(options: readonly string[]): Promise<void> {
  const child = spawn('ffmpeg', ['-nostdin', '-v', 'error', ...options], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const code = await new Promise((resolve) => child.once('exit', resolve));
  if (code !== 0) throw new Error(`ffmpeg ended with ${String(code)}`);
}
