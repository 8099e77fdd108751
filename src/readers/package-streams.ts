/** Which streams in a package's segments become tracks. */
import { AppError, isAppError } from '../errors.ts';
import type { PackageInfo, PackagedTrack } from '../media/package.ts';
import { isSurround, type Track } from '../media/presentation.ts';
import { type PackagePlace, readPackaged, samplesOf } from './packaged-bytes.ts';
import type { StreamSamples } from './samples/stream-samples.ts';

/** A stream that may become a track. */
export type Candidate = {
  readonly packaged: Track;
  readonly media: PackagedTrack;
  readonly init: Uint8Array | undefined;
  /** Of the first segment. */
  readonly stream: StreamSamples;
  /** Where presentation begins on the manifest's clock, in seconds of the media's. */
  readonly manifestOriginSeconds: number;
};

async function lookInto(
  place: PackagePlace,
  packaged: Track,
  media: PackagedTrack,
): Promise<readonly Candidate[]> {
  const init = media.init === undefined ? undefined : await readPackaged(place, media.init);
  const streams = samplesOf(media.container, init, await readPackaged(place, media.segments[0]!));
  const manifestOriginSeconds = (media.manifestOriginTicks ?? 0) / packaged.timescale;
  const one = (kind: Track['kind']) =>
    streams.filter(({ description }) => description.kind === kind).slice(0, 1);
  // What is listed as sound has none of the picture, even if there is one in it.
  const wanted = packaged.kind === 'audio' ? one('audio') : [...one('video'), ...one('audio')];
  return wanted.map((stream) => ({ packaged, media, init, stream, manifestOriginSeconds }));
}

/**
 * All pictures, and each sound once in each layout. Throws `source_damaged` where a picture or a sound cannot be
 * wrapped anew; a layout of a sound may be left out, as long as another one of it can be.
 */
export async function findStreams(
  place: PackagePlace,
  { presentation, media }: PackageInfo,
): Promise<readonly Candidate[]> {
  const candidates: Candidate[] = [];
  const unfitSounds: string[] = [];
  for (const track of presentation.tracks) {
    try {
      candidates.push(...(await lookInto(place, track, media[track.id]!)));
    } catch (error) {
      if (track.kind === 'video' || !isAppError(error, 'source_damaged')) throw error;
      unfitSounds.push(track.soundId ?? track.id);
    }
  }
  const chosen = chooseTracks(candidates);
  if (unfitSounds.some((soundId) => chosen.every((one) => soundIdOf(one) !== soundId))) throw unfit();
  return chosen;
}

function chooseTracks(candidates: readonly Candidate[]): readonly Candidate[] {
  const sounds = candidates.filter(isSound);
  const apart = sounds.filter(({ packaged }) => packaged.kind === 'audio');
  const inside = sounds.filter(({ packaged }) => packaged.kind === 'video');
  // Where sounds are listed, what lies beside the picture is one of them only if the manifest says so.
  const offered = apart.length === 0 ? inside : inside.filter(({ media }) => media.sound !== undefined);
  const layouts = Map.groupBy([...apart, ...offered], layoutOf);
  return [
    ...candidates.filter((one) => !isSound(one)),
    ...[...layouts.values()].map((same) => same.reduce(better)).toSorted(inOrder),
  ];
}

/** As a Presentation has them: stereo before surround, what plays by default first. */
function inOrder(a: Candidate, b: Candidate): number {
  const rank = (one: Candidate): number =>
    (isSurround({ channels: channelsOf(one) }) ? 2 : 0) + (isDefault(one) ? 0 : 1);
  return rank(a) - rank(b);
}

function isDefault({ packaged, media }: Candidate): boolean {
  return packaged.kind === 'audio' ? packaged.isDefault : (media.sound?.isDefault ?? true);
}

function isSound({ stream }: Candidate): boolean {
  return stream.description.kind === 'audio';
}

/** One sound in one layout, whatever its bitrate. */
function layoutOf(candidate: Candidate): string {
  return `${soundIdOf(candidate)} ${isSurround({ channels: channelsOf(candidate) }) ? 'surround' : 'stereo'}`;
}

function channelsOf({ packaged, stream }: Candidate): number {
  const said = packaged.kind === 'audio' ? packaged.channels : 0;
  return said || (stream.description.kind === 'audio' ? stream.description.channels : 0);
}

function soundIdOf({ packaged, media }: Candidate): string {
  if (packaged.kind === 'audio') return packaged.soundId ?? packaged.id;
  return media.sound?.soundId ?? 'inside';
}

/** What plays everywhere, then what has more bits. Of equal ones the last: the smallest picture, less to read for it. */
function better(a: Candidate, b: Candidate): Candidate {
  const [isAacA, isAacB] = [a, b].map(({ stream }) => stream.description.codecs.startsWith('mp4a'));
  if (isAacA !== isAacB) return isAacA ? a : b;
  return bitrateOf(b.stream) >= bitrateOf(a.stream) * 0.95 ? b : a;
}

/** Bits a second of what there is of a stream. */
export function bitrateOf(stream: StreamSamples): number {
  const bytes = stream.samples.reduce((sum, { data }) => sum + data.length, 0);
  return (bytes * 8 * stream.description.timescale) / (durationOf(stream) || 1);
}

/** In ticks of the stream. */
export function durationOf({ samples }: StreamSamples): number {
  const [first, last] = [samples[0], samples.at(-1)];
  return first === undefined || last === undefined
    ? 0
    : Math.round(last.decodeTicks + last.durationTicks - first.decodeTicks);
}

/** For a package that can only be played as it lies. */
export function unfit(): AppError {
  return new AppError('source_damaged', 'the times of the package contradict each other');
}
