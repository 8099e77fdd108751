/** AdaptationSets: tracks between which a player may switch at any segment (ISO/IEC 23009-1 5.3.3, 5.3.5). */
import {
  type AudioTrack,
  type Presentation,
  type Track,
  type VideoTrack,
  defaultAudio,
  isAudio,
  isVideo,
  soundIdOf,
} from '../../media/presentation.ts';
import { type Rational, compare, multiply, rational, toNumber } from '../../media/time.ts';
import { soundNames } from '../names.ts';
import { type TrickPlayTrack, trickPlayTracks } from '../trick-play.ts';
import { captionSet, role } from './captions.ts';
import { segmentTemplate, trickPlayTemplate } from './segment-template.ts';
import { type Attributes, element, textElement } from './xml.ts';

/**
 * One for all qualities of the video, one for each audio track (a player never switches languages by itself, nor the
 * number of channels), one for moving fast, if there is a track for it, and one for each caption track.
 */
export function adaptationSets(presentation: Presentation, revision: string): readonly string[] {
  const { tracks, captions = [] } = presentation;
  const video = tracks.filter(isVideo);
  const audio = tracks.filter(isAudio);
  const trick = trickPlayTracks(presentation);
  const [best] = video;
  const sets = [
    ...(best === undefined ? [] : [videoSet(best, video, revision)]),
    ...audio.map((track) => audioSet(track, audio, revision)),
    ...(trick.length === 0 ? [] : [trickPlaySet(trick, revision)]),
    ...captions.map(captionSet),
  ];
  return sets.map(({ attributes, children }, id) =>
    element('AdaptationSet', { id, ...attributes }, children),
  );
}

/** 5.3.3.2: segments of all tracks of a set start together, each with a closed GOP. */
const SEGMENTED: Attributes = { segmentAlignment: 'true', startWithSAP: 1 };

type AdaptationSet = { readonly attributes: Attributes; readonly children: readonly string[] };

function videoSet(best: VideoTrack, tracks: readonly VideoTrack[], revision: string): AdaptationSet {
  const fastest = tracks.reduce((a, b) => (compare(b.frameRate, a.frameRate) > 0 ? b : a));
  return {
    attributes: {
      contentType: 'video',
      mimeType: 'video/mp4',
      par: ratio(rational(best.width, best.height)),
      maxWidth: Math.max(...tracks.map((track) => track.width)),
      maxHeight: Math.max(...tracks.map((track) => track.height)),
      maxFrameRate: frameRate(fastest.frameRate),
      ...SEGMENTED,
    },
    children: [role('main'), ...tracks.map((track) => videoRepresentation(track, revision))],
  };
}

function videoRepresentation(track: VideoTrack, revision: string): string {
  return representation(track, revision, {
    width: track.width,
    height: track.height,
    frameRate: frameRate(track.frameRate),
    sar: '1:1',
  });
}

/** The id of the set that trick play belongs to: the video comes first. */
const VIDEO_SET_ID = 0;

/** DASH-IF IOP v5 part 5, 7.1.2 */
function trickPlaySet(tracks: readonly TrickPlayTrack[], revision: string): AdaptationSet {
  const schemeIdUri = 'http://dashif.org/guidelines/trickmode';
  return {
    attributes: { contentType: 'video', mimeType: 'video/mp4', ...SEGMENTED },
    children: [
      element('EssentialProperty', { schemeIdUri, value: VIDEO_SET_ID }),
      ...tracks.map((track) => trickPlayRepresentation(track, revision)),
    ],
  };
}

function trickPlayRepresentation(track: TrickPlayTrack, revision: string): string {
  const { codecs, width, height, timescale, segments } = track;
  const segmentSeconds = rational(segments[0]?.durationTicks ?? timescale, timescale);
  return element(
    'Representation',
    {
      id: `${track.id}-trick`,
      bandwidth: track.trickPlay.peakBitsPerSecond,
      codecs,
      width,
      height,
      frameRate: frameRate({ num: segmentSeconds.den, den: segmentSeconds.num }),
      sar: '1:1',
      // So much faster than normal, a decoder of this level is given no more frames than it bears.
      maxPlayoutRate: Math.max(1, Math.floor(toNumber(multiply(track.frameRate, segmentSeconds)))),
      codingDependency: 'false',
    },
    [trickPlayTemplate(track, revision)],
  );
}

function audioSet(track: AudioTrack, all: readonly AudioTrack[], revision: string): AdaptationSet {
  const standard = defaultAudio(all)!;
  // The schema wants a Label before Accessibility and Role (5.3.7.3).
  const label = all.length > 1 ? [textElement('Label', soundNames(all).get(soundIdOf(track))!)] : [];
  const isMain = soundIdOf(track) === soundIdOf(standard);
  return {
    attributes: {
      contentType: 'audio',
      mimeType: 'audio/mp4',
      lang: track.language,
      // 5.3.7.2: of two main ones, a player that goes by nothing else would take the one with more bits: surround.
      selectionPriority: track === standard && all.length > 1 ? 2 : undefined,
      ...SEGMENTED,
    },
    children: [
      ...label,
      ...accessibility(track),
      role(isMain ? 'main' : (track.role ?? 'alternate')),
      representation(track, revision, { audioSamplingRate: track.sampleRate }, channelConfiguration(track)),
    ],
  };
}

/** 5.8.4.3, in the scheme that broadcasters use (TV-Anytime AudioPurposeCS: 1 is for the visually impaired). */
function accessibility({ role: purpose }: AudioTrack): readonly string[] {
  if (purpose !== 'description') return [];
  return [element('Accessibility', { schemeIdUri: 'urn:tva:metadata:cs:AudioPurposeCS:2007', value: 1 })];
}

function representation(
  track: Track,
  revision: string,
  attributes: Attributes,
  descriptors: readonly string[] = [],
): string {
  return element(
    'Representation',
    { id: track.id, bandwidth: track.bitrate.peakBitsPerSecond, codecs: track.codecs, ...attributes },
    [...descriptors, segmentTemplate(track, revision)],
  );
}

/** ISO/IEC 23091-3 ChannelConfiguration, by number of channels: 6 is 5.1, 12 is 7.1. */
const CHANNEL_CONFIGURATIONS = [undefined, 1, 2, 3, 4, 5, 6, 11, 12];

function channelConfiguration(track: AudioTrack): readonly string[] {
  const value = CHANNEL_CONFIGURATIONS[track.channels];
  if (value === undefined) return [];
  const schemeIdUri = 'urn:mpeg:mpegB:cicp:ChannelConfiguration';
  return [element('AudioChannelConfiguration', { schemeIdUri, value })];
}

/** 5.3.7.2: `30` or `30000/1001`. */
function frameRate({ num, den }: Rational): string {
  return den === 1 ? String(num) : `${num}/${den}`;
}

function ratio({ num, den }: Rational): string {
  return `${num}:${den}`;
}
