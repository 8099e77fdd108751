/** Reads an MPD that others wrote (ISO/IEC 23009-1 5.3). Pure: nothing but the text is looked at. */
import { AppError } from '../../errors.ts';
import type { Rational } from '../../media/time.ts';
import { type Location, quote, resolveLocation } from '../reference.ts';
import { readSegmentInformation, type SegmentInformation } from './segment-information.ts';
import { type Budget, MAX_SEGMENTS } from './timeline.ts';
import { durationAttribute, frameRateValue, integerAttribute } from './values.ts';
import { childNamed, childrenNamed, parseXml, type XmlElement } from './xml.ts';

export type ParsedPeriod = {
  /** Absent where nothing says how long it is. */
  readonly seconds?: number;
  readonly adaptationSets: readonly ParsedAdaptationSet[];
};

export type ParsedAdaptationSet = {
  /** `other`: pictures, and what is only for fast forward. */
  readonly kind: 'video' | 'audio' | 'text' | 'other';
  readonly representations: readonly ParsedRepresentation[];
};

export type ParsedRepresentation = {
  readonly id: string;
  readonly mimeType: string;
  /** Empty or 0 where the MPD does not say. */
  readonly codecs: string;
  readonly bitsPerSecond: number;
  readonly width: number;
  readonly height: number;
  readonly frameRate: Rational;
  readonly channels: number;
  readonly sampleRate: number;
  readonly language?: string;
  readonly label?: string;
  /** Of the AdaptationSet (5.8.5.5): `main`, `commentary`, `caption`, ... */
  readonly roles: readonly string[];
  /** It tells those who do not see the picture what happens. */
  readonly isDescription: boolean;
  readonly isEncrypted: boolean;
  readonly media: SegmentInformation;
};

const MAX_REPRESENTATIONS = 5000;
const RESOLVE_TO_ZERO = 'urn:mpeg:dash:resolve-to-zero:2013';

/** `location`: where the MPD lies. Throws `package_invalid`. */
export function parseMpd(text: string, location: Location): readonly ParsedPeriod[] {
  const mpd = parseXml(text);
  if (mpd.name !== 'MPD') throw invalid(`its root element is ${quote(mpd.name)}`);
  if (mpd.attributes['type'] === 'dynamic') throw invalid('it is of a live stream (type="dynamic")');
  refuseRemoteElements(mpd);
  const base = baseOf(mpd, location);
  const periods = childrenNamed(mpd, 'Period');
  const seconds = periodDurations(mpd, periods);
  const budget: Budget = { segments: MAX_SEGMENTS };
  const parsed = periods.map((period, i) => parsePeriod(period, base, seconds[i], budget));
  const count = parsed.flatMap(({ adaptationSets }) =>
    adaptationSets.flatMap((set) => set.representations),
  ).length;
  if (count === 0) throw invalid('it has no Representation');
  return parsed;
}

/** 5.5: parts of the MPD that lie elsewhere would be fetched by players from anywhere. */
function refuseRemoteElements(element: XmlElement): void {
  const href = element.attributes['xlink:href'];
  if (href !== undefined && href !== RESOLVE_TO_ZERO)
    throw invalid(`a part of it lies elsewhere (${quote(href)})`);
  for (const child of element.children) refuseRemoteElements(child);
}

/** 5.6: the first BaseURL of a level; others are the same media at other places. */
function baseOf(element: XmlElement, outer: Location): Location {
  const baseUrl = childNamed(element, 'BaseURL');
  return baseUrl === undefined ? outer : resolveLocation(outer, baseUrl.text);
}

/** 5.3.2.1: its own duration, or up to the next start, or up to the end of all. */
function periodDurations(mpd: XmlElement, periods: readonly XmlElement[]): (number | undefined)[] {
  const total = durationAttribute(mpd, 'mediaPresentationDuration');
  let start: number | undefined = 0;
  return periods.map((period, i) => {
    start = durationAttribute(period, 'start') ?? start;
    const next = periods[i + 1];
    const end = next === undefined ? total : durationAttribute(next, 'start');
    const seconds =
      durationAttribute(period, 'duration') ??
      (end === undefined || start === undefined ? undefined : end - start);
    start = start === undefined || seconds === undefined ? undefined : start + seconds;
    return seconds;
  });
}

function parsePeriod(
  period: XmlElement,
  outer: Location,
  seconds: number | undefined,
  budget: Budget,
): ParsedPeriod {
  const base = baseOf(period, outer);
  const adaptationSets = childrenNamed(period, 'AdaptationSet').map((set) => {
    const setBase = baseOf(set, base);
    const representations = childrenNamed(set, 'Representation');
    if (representations.length > MAX_REPRESENTATIONS) throw invalid('it has too many Representations');
    const parsed = representations.map((one) =>
      parseRepresentation([period, set, one], setBase, seconds, budget),
    );
    return { kind: kindOf(set, parsed[0]?.mimeType ?? ''), representations: parsed };
  });
  return { adaptationSets, ...(seconds === undefined ? {} : { seconds }) };
}

function parseRepresentation(
  levels: readonly [XmlElement, XmlElement, XmlElement],
  outer: Location,
  periodSeconds: number | undefined,
  budget: Budget,
): ParsedRepresentation {
  const [, set, representation] = levels;
  const attribute = (name: string): string | undefined =>
    representation.attributes[name] ?? set.attributes[name];
  const integer = (name: string): number =>
    integerAttribute(representation, name) ?? integerAttribute(set, name) ?? 0;
  const id = representation.attributes['id'] ?? '';
  const bitsPerSecond = integer('bandwidth');
  const language = attribute('lang');
  const label = childNamed(set, 'Label')?.text;
  return {
    id,
    mimeType: attribute('mimeType') ?? '',
    codecs: attribute('codecs') ?? '',
    bitsPerSecond,
    width: integer('width'),
    height: integer('height'),
    frameRate: frameRateValue(attribute('frameRate')),
    channels: channelsOf(representation) || channelsOf(set),
    // 5.3.7.2: one rate, or the least and the greatest.
    sampleRate: Number(/^\s*(\d{1,6})/.exec(attribute('audioSamplingRate') ?? '')?.[1] ?? 0),
    roles: childrenNamed(set, 'Role').map((role) => role.attributes['value']?.toLowerCase() ?? ''),
    isDescription: childrenNamed(set, 'Accessibility').some(isForWhoCannotSee),
    isEncrypted: [set, representation].some(
      (element) => childNamed(element, 'ContentProtection') !== undefined,
    ),
    media: readSegmentInformation({
      levels,
      base: baseOf(representation, outer),
      values: { RepresentationID: id, Bandwidth: bitsPerSecond },
      periodSeconds,
      budget,
    }),
    ...(language === undefined ? {} : { language }),
    ...(label === undefined || label === '' ? {} : { label }),
  };
}

/** 5.8.4.3, in the scheme of broadcasters or in that of roles. */
function isForWhoCannotSee({ attributes }: XmlElement): boolean {
  const { schemeIdUri = '', value = '' } = attributes;
  return schemeIdUri.includes('AudioPurposeCS') ? value === '1' : value.toLowerCase() === 'description';
}

function channelsOf(element: XmlElement): number {
  const value = childNamed(element, 'AudioChannelConfiguration')?.attributes['value'] ?? '';
  return /^\d{1,3}$/.test(value) ? Number(value) : 0;
}

function kindOf(set: XmlElement, mimeType: string): ParsedAdaptationSet['kind'] {
  const isTrickMode = childrenNamed(set, 'EssentialProperty').some((property) =>
    property.attributes['schemeIdUri']?.includes('trickmode'),
  );
  if (isTrickMode) return 'other';
  const kind = set.attributes['contentType'] ?? mimeType.split('/')[0];
  if (mimeType.startsWith('image/')) return 'other';
  if (kind === 'video' || kind === 'audio' || kind === 'text') return kind;
  return isTextInMp4(set, mimeType) ? 'text' : 'other';
}

/** What an `application/mp4` holds, only its codecs say. */
function isTextInMp4(set: XmlElement, mimeType: string): boolean {
  const [first] = childrenNamed(set, 'Representation');
  const codecs = set.attributes['codecs'] ?? first?.attributes['codecs'] ?? '';
  return mimeType === 'application/mp4' && codecs.startsWith('wvtt');
}

function invalid(why: string): AppError {
  return new AppError('package_invalid', `this is not an MPD that can be played: ${why}`);
}
