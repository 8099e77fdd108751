/** Colours: what is put out must look like what came in, whatever it came in. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import {
  hlgSignal,
  inGamut,
  type Matrix,
  pqSignal,
  type Rgb,
  sceneOf,
  toneMapped,
  toRgb,
  toYuv,
} from './colors.ts';
import { HEIGHT, runFfmpeg, WIDTH } from './kit.ts';
import type { MediaCase } from './media-case.ts';
import { firstPicture, type Played, videoTags } from './play.ts';

/** A picture of upright stripes, for half a second. */
const STRIPES = 8;
const FRAMES = 13;

/** Colours that every system has, as signals of red, green and blue. */
const COLORS: readonly Rgb[] = [
  [0, 0, 0],
  [1, 1, 1],
  [0.5, 0.5, 0.5],
  [0.8, 0.1, 0.1],
  [0.1, 0.7, 0.2],
  [0.2, 0.2, 0.9],
  [0.9, 0.7, 0.6],
  [0.3, 0.5, 0.6],
];
const GRAYS: readonly Rgb[] = Array.from({ length: STRIPES }, (_, i): Rgb => [i / 7, i / 7, i / 7]);

/** Light in cd/m2 in the primaries of BT.2020: greys up to beyond white, skin, and what BT.709 does not have. */
const LIGHTS: readonly Rgb[] = [
  [0.5, 0.5, 0.5],
  [20, 20, 20],
  [100, 100, 100],
  [203, 203, 203],
  [800, 800, 800],
  [120, 80, 60],
  [10, 150, 30],
  [30, 60, 400],
];

/** Of 255: what a codec, chroma at half size and a table may change, which is coarse where it is darkest. */
const tolerance = (signal: number): number => (signal < 32 ? 12 : 6);

export const COLOR_CASES: readonly MediaCase[] = [
  sdr('10 bits', '-pix_fmt yuv420p10le -c:v libx265 -x265-params log-level=none', 'bt709'),
  sdr('4:2:2', '-pix_fmt yuv422p10le -c:v prores_ks -profile:v 3', 'bt709'),
  sdr('4:4:4', '-pix_fmt yuv444p -c:v libx264 -qp 1', 'bt709'),
  sdr('12 bits', '-pix_fmt yuv444p12le -c:v libx265 -x265-params log-level=none', 'bt709'),
  sdr('full range', '-pix_fmt yuvj420p -c:v libx264 -qp 1', 'bt709', 'full'),
  sdr('BT.601', '-pix_fmt yuv420p -c:v libx264 -qp 1', 'bt601'),
  sdr('RGB', '-pix_fmt bgr24 -c:v ffv1', 'rgb'),
  sdr('RGB in H.264', '-pix_fmt gbrp -c:v libx264rgb -qp 1', 'rgb'),
  sdr('a palette', '-vf split[a][b];[a]palettegen=reserve_transparent=0[p];[b][p]paletteuse -c:v png', 'rgb'),
  {
    name: 'gray',
    extension: 'mkv',
    make: async (_kit, path) => {
      const source = await writeRgb(path, GRAYS);
      await runFfmpeg([...source, '-vf', 'format=gray', '-c:v', 'ffv1', path]);
    },
    ...looksLike(GRAYS),
  },
  {
    name: 'transparent',
    extension: 'mov',
    // Half transparent on black is half the signal.
    make: async (_kit, path) => {
      const source = await writeRgb(path, COLORS);
      await runFfmpeg([...source, '-vf', 'format=rgba,colorchannelmixer=aa=0.5', '-c:v', 'png', path]);
    },
    ...looksLike(COLORS.map(([r, g, b]): Rgb => [r / 2, g / 2, b / 2])),
  },
  {
    name: 'transparent ProRes',
    extension: 'mov',
    make: async (_kit, path) => {
      const source = await writeRgb(path, COLORS);
      const alpha = 'format=rgba,colorchannelmixer=aa=0.5,scale=out_color_matrix=bt709,format=yuva444p10le';
      const tags = '-colorspace bt709 -color_primaries bt709 -color_trc bt709'.split(' ');
      await runFfmpeg([...source, '-vf', alpha, ...tags, '-c:v', 'prores_ks', '-profile:v', 4, path]);
    },
    ...looksLike(COLORS.map(([r, g, b]): Rgb => [r / 2, g / 2, b / 2])),
  },
  {
    name: 'BT.2020 of standard range',
    extension: 'mp4',
    make: (_kit, path) => makeBt2020(path, COLORS, 'bt2020-10'),
    ...looksLike(COLORS.map((signal) => inGamut(signal.map((value) => value ** 2.4) as unknown as Rgb))),
  },
  {
    name: 'HDR10',
    extension: 'mp4',
    make: (_kit, path) => makeBt2020(path, LIGHTS.map(pqOf), 'smpte2084', HDR10),
    ...looksLike(LIGHTS.map(toneMapped)),
  },
  {
    name: 'HLG',
    extension: 'mp4',
    make: (_kit, path) => makeBt2020(path, LIGHTS.map(hlgOf), 'arib-std-b67'),
    ...looksLike(LIGHTS.map(toneMapped)),
  },
  {
    name: 'Dolby Vision with a base of HDR10',
    extension: 'mp4',
    make: async (_kit, path) => {
      await makeBt2020(path, LIGHTS.map(pqOf), 'smpte2084', HDR10);
      await addDolbyVision(path, 8, 1);
    },
    ...looksLike(LIGHTS.map(toneMapped)),
  },
  {
    name: 'Dolby Vision without a base',
    extension: 'mp4',
    make: async (_kit, path) => {
      await makeBt2020(path, LIGHTS.map(pqOf), 'smpte2084');
      await addDolbyVision(path, 5, 0);
    },
    expected: { code: 'source_unsupported', message: /Dolby Vision/ },
  },
];

const HDR10 =
  'hdr10=1:master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1):max-cll=1000,400';

function pqOf(nits: Rgb): Rgb {
  return nits.map(pqSignal) as unknown as Rgb;
}

function hlgOf(nits: Rgb): Rgb {
  return sceneOf(nits).map(hlgSignal) as unknown as Rgb;
}

function sdr(name: string, settings: string, matrix: Matrix | 'rgb', range = 'limited'): MediaCase {
  return {
    name,
    extension: /prores|png/.test(settings) ? 'mov' : 'mkv',
    make: async (_kit, path) => {
      const source = await writeRgb(path, COLORS);
      const [primaries, spaces] = {
        bt709: ['bt709', 'bt709'],
        bt601: ['smpte170m', 'smpte170m'],
        bt2020: [],
        rgb: [],
      }[matrix];
      const scale = `scale=out_color_matrix=${matrix}:out_range=${range}`;
      const tags = ['-colorspace', spaces!, '-color_primaries', primaries!, '-color_trc', primaries!];
      await runFfmpeg([
        ...source,
        ...(matrix === 'rgb' ? [] : ['-vf', scale, ...tags]),
        ...settings.split(' '),
        path,
      ]);
    },
    ...looksLike(COLORS),
  };
}

/** The stripes decode to these signals, by the tags that the track has. */
function looksLike(wanted: readonly Rgb[]): Pick<MediaCase, 'expected' | 'check'> {
  return {
    expected: { seconds: FRAMES / 25, shows: 'anything', beeps: 'none' },
    check: async ({ video }: Played) => {
      const tags = await videoTags(video!);
      assert.ok(tags.matrix === 'bt709' || tags.matrix === 'smpte170m', tags.matrix);
      assert.deepEqual([tags.primaries, tags.transfer, tags.range], [tags.matrix, tags.matrix, 'tv']);
      const { luma, chromaU, chromaV } = await firstPicture(video!, WIDTH, HEIGHT);
      wanted.forEach((color, stripe) => {
        const x = Math.round(((stripe + 0.5) * WIDTH) / STRIPES);
        const [at, chromaAt] = [(HEIGHT / 2) * WIDTH + x, (HEIGHT / 4) * (WIDTH / 2) + (x >> 1)];
        const shown = toRgb(
          [luma[at]!, chromaU[chromaAt]!, chromaV[chromaAt]!],
          tags.matrix === 'bt709' ? 'bt709' : 'bt601',
        );
        const [is, should] = [shown, color].map((rgb) => rgb.map((value) => Math.round(value * 255)));
        const isRight = is!.every(
          (value, index) => Math.abs(value - should![index]!) <= tolerance(should![index]!),
        );
        assert.ok(isRight, `stripe ${stripe} is ${String(is)}, not ${String(should)}`);
      });
    },
  };
}

/** The input of FFmpeg that is these stripes in 8-bit RGB. */
async function writeRgb(path: string, colors: readonly Rgb[]): Promise<(string | number)[]> {
  const row = Buffer.from(
    Array.from({ length: WIDTH }, (_, x) =>
      colors[Math.floor((x * STRIPES) / WIDTH)]!.map((v) => Math.round(v * 255)),
    ).flat(),
  );
  const raw = `${path}.rgb`;
  await writeFile(raw, Buffer.concat(Array.from({ length: HEIGHT * FRAMES }, () => row)));
  return ['-f', 'rawvideo', '-pix_fmt', 'rgb24', '-s', `${WIDTH}x${HEIGHT}`, '-r', 25, '-i', raw];
}

/** Signals of red, green and blue as 10-bit HEVC with the matrix of BT.2020. */
async function makeBt2020(path: string, signals: readonly Rgb[], transfer: string, hdr = ''): Promise<void> {
  const stripes = signals.map((signal) => toYuv(signal, 'bt2020', 10));
  const planes = [0, 1, 2].map((plane) => {
    const row = Uint16Array.from(
      { length: WIDTH },
      (_, x) => stripes[Math.floor((x * STRIPES) / WIDTH)]![plane]!,
    );
    return Buffer.concat(Array.from({ length: HEIGHT }, () => Buffer.from(row.buffer)));
  });
  const raw = `${path}.yuv`;
  await writeFile(raw, Buffer.concat(Array.from({ length: FRAMES }, () => planes).flat()));
  const input = [
    '-f',
    'rawvideo',
    '-pix_fmt',
    'yuv444p10le',
    '-s',
    `${WIDTH}x${HEIGHT}`,
    '-r',
    25,
    '-i',
    raw,
  ];
  const params = `log-level=none:colorprim=bt2020:transfer=${transfer}:colormatrix=bt2020nc:range=limited${hdr === '' ? '' : `:${hdr}`}`;
  const codec = [
    '-c:v',
    'libx265',
    '-preset',
    'ultrafast',
    '-qp',
    4,
    '-pix_fmt',
    'yuv420p10le',
    '-x265-params',
    params,
  ];
  const tags = [
    '-color_primaries',
    'bt2020',
    '-color_trc',
    transfer,
    '-colorspace',
    'bt2020nc',
    '-tag:v',
    'hvc1',
  ];
  await runFfmpeg([...input, ...codec, ...tags, path]);
}

/** Puts a `dvvC` box into the sample entry of an MP4 whose index is at its end, as phones and cameras do. */
async function addDolbyVision(path: string, profile: number, compatibility: number): Promise<void> {
  const bytes = await readFile(path);
  // Dolby Vision streams within the ISO base media file format 2.1, 3.1: version 1.0, level 1, RPU and base layer.
  const box = Buffer.alloc(32);
  box.writeUInt32BE(32, 0);
  box.write('dvvC', 4, 'latin1');
  box.set([1, 0, (profile << 1) | 0, (1 << 3) | 0b101, compatibility << 4], 8);
  const entry = bytes.indexOf('hvc1', bytes.indexOf('stsd', 0, 'latin1'), 'latin1') - 4;
  const end = entry + bytes.readUInt32BE(entry);
  for (const type of ['moov', 'trak', 'mdia', 'minf', 'stbl', 'stsd', 'hvc1']) {
    const at = (type === 'hvc1' ? entry + 4 : bytes.indexOf(type, 0, 'latin1')) - 4;
    bytes.writeUInt32BE(bytes.readUInt32BE(at) + box.length, at);
  }
  await writeFile(path, Buffer.concat([bytes.subarray(0, end), box, bytes.subarray(end)]));
}
