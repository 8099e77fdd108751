/** Progressive MP4 as FFmpeg reads it, and the bytes of it however they are fetched. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import * as fc from '../fast-check.ts';
import { segmentHeadBytes } from '../../src/containers/isobmff/segment-head.ts';
import { writeInitSegment } from '../../src/containers/isobmff/write-init-segment.ts';
import { writeMediaSegment } from '../../src/containers/isobmff/write-media-segment.ts';
import type { Composed, StoredMedia } from '../../src/formats/format.ts';
import { mp4 } from '../../src/formats/mp4/mp4.ts';
import type { Track } from '../../src/media/presentation.ts';
import { Composer } from '../../src/pipeline/composer.ts';
import { layOut } from '../../src/pipeline/composed-resource.ts';
import { memoryResource } from '../../src/pipeline/memory-resource.ts';
import type { Resource } from '../../src/pipeline/resource.ts';
import { type EncodedTrack, encodeAudioTrack, encodeVideoTrack } from '../encoded-track.ts';
import { temporaryFolder } from '../storage/temporary-folder.ts';
import { requireTool } from '../tools.ts';
import { anyPresentation, audioTrack, film } from './presentations.ts';

const ffprobe = requireTool('ffprobe');
const ffmpeg = requireTool('ffmpeg');

const FRAMES = 121;
const AAC_FRAMES = 237;
const cleanUp = new AsyncDisposableStack();
let folder: string;
let tracks: readonly EncodedTrack<Track>[];

before(async () => {
  folder = cleanUp.use(await temporaryFolder()).path;
  tracks = [
    encodeVideoTrack({
      id: 'v120p',
      width: 160,
      height: 120,
      frameRate: { num: 24_000, den: 1001 },
      frames: FRAMES,
      framesPerSegment: 40, // the last segment has one frame
      bFrames: 2,
      bPyramid: true,
    }),
    commentary(encodeAudioTrack('a2', { frames: AAC_FRAMES, framesPerSegment: 78 })),
    encodeAudioTrack('a1', { frames: AAC_FRAMES, framesPerSegment: 78, language: 'pt-BR' }),
  ];
});
after(() => cleanUp.disposeAsync());

describe('a file of a whole quality', { skip: ffmpeg.skip || ffprobe.skip }, () => {
  test('begins at 0, lasts as long as its tracks, and names its sounds', async () => {
    const { streams, format } = probe(await save('whole.mp4', tracks));
    assert.deepEqual(
      streams.map((stream) => Number(stream.start_time)),
      [0, 0, 0],
    );
    const seconds = [(FRAMES * 1001) / 24_000, ...[1, 2].map(() => (AAC_FRAMES * 1024) / 48_000)];
    streams.forEach((stream, index) =>
      assert.ok(Math.abs(Number(stream.duration) - seconds[index]!) < 1e-4, stream.duration),
    );
    assert.ok(Math.abs(Number(format.duration) - Math.max(...seconds)) < 1e-3);
    assert.equal(streams[0]?.r_frame_rate, '24000/1001');
    assert.deepEqual(
      streams.map(({ codec_type, disposition, tags }) => [
        codec_type,
        disposition.default,
        tags.language,
        tags.handler_name,
      ]),
      [
        ['video', 1, 'und', undefined],
        ['audio', 1, 'por', undefined],
        ['audio', 0, 'deu', 'Kommentar über <alles>'],
      ],
    );
  });

  test('has every frame and every sound of the segments, at its time', async () => {
    const file = await save('compared.mp4', tracks);
    for (const [stream, { init, segments }] of [tracks[0]!, tracks[2]!, tracks[1]!].entries()) {
      const fragmented = join(folder, `${stream}.mp4`);
      writeFileSync(fragmented, Buffer.concat([init, ...segments]));
      assert.equal(frames(file, stream), frames(fragmented, 0));
    }
  });

  test('without picture it is a file of sound', async () => {
    const { streams } = probe(await save('sound.mp4', tracks.slice(2)));
    assert.deepEqual(
      streams.map(({ codec_type }) => codec_type),
      ['audio'],
    );
  });
});

test('the same bytes, whichever ranges they are fetched in', async () => {
  const resource = await composed(tracks);
  const whole = await read(resource);
  assert.equal(whole.length, resource.bytes);
  const offset = fc.nat({ max: whole.length - 1 });
  await fc.assert(
    fc.asyncProperty(offset, offset, async (a, b) => {
      const range = { start: Math.min(a, b), end: Math.max(a, b) };
      assert.ok((await read(resource, range)).equals(whole.subarray(range.start, range.end + 1)));
    }),
    { numRuns: 200 },
  );
  for (const at of [0, whole.length - 1]) {
    assert.deepEqual([...(await read(resource, { start: at, end: at }))], [whole[at]]);
  }
});

test('the tag is that of the bytes', async () => {
  const [one, same] = [await composed(tracks), await composed(tracks)];
  assert.equal(one.etag, same.etag);
  const shorter = [{ ...tracks[0]!, ...without(tracks[0]!) }, ...tracks.slice(1)];
  assert.notEqual((await composed(shorter)).etag, one.etag);
  assert.notEqual((await composed(tracks, 'r2')).etag, one.etag);
});

test('the first sound is the one that plays when nobody chooses', () => {
  const surround = audioTrack('a1', [188], { channels: 6, isDefault: true });
  const input = { presentation: { tracks: [...film.tracks.slice(0, 1), surround, audioTrack('a2', [188])] } };
  const found = mp4.resolve({ ...input, revision: 'r1' }, 'mp4/720p.mp4');
  assert.ok(found?.kind === 'composed');
  assert.deepEqual(
    found.inputs.filter(({ index }) => index === 'init').map(({ trackId }) => trackId),
    ['v720', 'a2', 'a1'],
  );
});

test('each quality has a path of its own, whatever its label', () => {
  fc.assert(
    fc.property(anyPresentation, fc.array(fc.string(), { minLength: 4, maxLength: 4 }), (any, labels) => {
      const presentation = {
        tracks: any.tracks.map((track, index) => ({ ...track, label: labels[index] ?? track.label })),
      };
      const paths = mp4.qualities!(presentation).map(({ path }) => path);
      assert.equal(new Set(paths).size, paths.length);
      for (const path of paths) assert.match(path, /^mp4\/[A-Za-z0-9_-]+\.mp4$/);
    }),
  );
});

test('a film of more than 4 GiB is addressed with 64 bits, and its segments are not read for that', async () => {
  const sampleBytes = 700_000;
  const count = 100;
  const segments = 65;
  const track: Track = {
    ...film.tracks[0]!,
    timescale: 25,
    segments: Array.from({ length: segments }, (_, index) => ({
      index,
      startTicks: index * count,
      durationTicks: count,
    })),
  };
  const data = new Uint8Array(sampleBytes);
  const samples = Array.from({ length: count }, (_, index) => ({
    durationTicks: 1,
    compositionOffsetTicks: 0,
    isSync: index === 0,
    data,
  }));
  const composition = (
    mp4.resolve({ presentation: { tracks: [track] }, revision: 'r' }, 'mp4/720p.mp4') as Composed
  ).begin();
  composition.add(headOf(sinkInit()));
  const segment = writeMediaSegment({ trackId: 1, sequenceNumber: 1, baseMediaDecodeTime: 0, samples });
  const bytes = segment.subarray(0, segmentHeadBytes(segment, segment.length));
  for (let index = 0; index < segments; index++) composition.add({ bytes, totalBytes: segment.length });
  const layout = layOut(composition.pieces(), 'r');
  const front = Buffer.from(layout.pieces[0] as Uint8Array);
  assert.ok(layout.offsets.at(-1)! > 2 ** 32);
  const at = front.indexOf('co64') + 8;
  assert.equal(front.readUInt32BE(at), segments);
  const last = Number(front.readBigUInt64BE(at + 4 + 8 * (segments - 1)));
  assert.equal(last, front.length + (segments - 1) * count * sampleBytes);
  assert.equal(front.indexOf('stco'), -1);
  const data64 = front.length - 16;
  assert.equal(front.readUInt32BE(data64), 1);
  assert.equal(Number(front.readBigUInt64BE(data64 + 8)), 16 + segments * count * sampleBytes);
});

function sinkInit(): Uint8Array {
  return writeInitSegment({
    kind: 'video',
    trackId: 1,
    timescale: 25,
    width: 1280,
    height: 720,
    avcC: new Uint8Array([1, 100, 0, 31, 255, 224, 0]),
    presentationOffsetTicks: 0,
  });
}

function headOf(bytes: Uint8Array): { bytes: Uint8Array; totalBytes: number } {
  return { bytes, totalBytes: bytes.length };
}

function commentary(encoded: ReturnType<typeof encodeAudioTrack>): EncodedTrack<Track> {
  const track = { ...encoded.track, isDefault: false, language: 'de', title: 'Kommentar über <alles>' };
  return { ...encoded, track };
}

/** The same track without its last segment. */
function without({ track, segments }: EncodedTrack<Track>): Pick<EncodedTrack<Track>, 'track' | 'segments'> {
  return { track: { ...track, segments: track.segments.slice(0, -1) }, segments: segments.slice(0, -1) };
}

/** The only file of these tracks, as the pipeline serves it. */
async function composed(from: readonly EncodedTrack<Track>[], revision = 'r1'): Promise<Resource> {
  const input = { presentation: { tracks: from.map(({ track }) => track) }, revision };
  const [path] = mp4.paths(input);
  const found = mp4.resolve(input, path!);
  assert.ok(found?.kind === 'composed');
  const openMedia = async ({ trackId, index }: StoredMedia): Promise<Resource> => {
    const encoded = from.find(({ track }) => track.id === trackId)!;
    const bytes = index === 'init' ? encoded.init : encoded.segments[index]!;
    return memoryResource(bytes, 'video/mp4', { isImmutable: true });
  };
  return new Composer().resource(found, { key: path!, identity: revision, fileName: 'x.mp4', openMedia });
}

async function read(resource: Resource, range?: { start: number; end: number }): Promise<Buffer> {
  return Buffer.from(await new Response(await resource.open(range)).arrayBuffer());
}

async function save(name: string, from: readonly EncodedTrack<Track>[]): Promise<string> {
  const path = join(folder, name);
  writeFileSync(path, await read(await composed(from)));
  return path;
}

type Probe = {
  readonly streams: readonly {
    readonly codec_type: string;
    readonly start_time: string;
    readonly duration: string;
    readonly r_frame_rate: string;
    readonly disposition: { readonly default: number };
    readonly tags: Readonly<Record<string, string>>;
  }[];
  readonly format: { readonly duration: string };
};

function probe(path: string): Probe {
  const options = ['-v', 'error', '-show_streams', '-show_format', '-of', 'json', path];
  return JSON.parse(execFileSync(ffprobe.path, options, { encoding: 'utf8' })) as Probe;
}

/** A line for each decoded frame: its time, its length and a hash of it. */
function frames(path: string, stream: number): string {
  const options = [
    '-v',
    'error',
    '-i',
    path,
    '-map',
    `0:${stream}`,
    '-fps_mode',
    'passthrough',
    '-f',
    'framemd5',
    '-',
  ];
  const lines = execFileSync(ffmpeg.path, options, { encoding: 'utf8' }).split('\n');
  const found = lines.filter((line) => line !== '' && !line.startsWith('#'));
  assert.ok(found.length >= Math.min(FRAMES, AAC_FRAMES), `${found.length} frames`);
  return found.join('\n');
}
