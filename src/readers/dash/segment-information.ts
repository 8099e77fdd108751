/** Where the segments of a Representation lie: SegmentBase, SegmentList, SegmentTemplate (ISO/IEC 23009-1 5.3.9). */
import { AppError } from '../../errors.ts';
import { type Location, resolveLocation } from '../reference.ts';
import { expandTemplate, type TemplateValues } from './template.ts';
import { type Budget, readEqualDurations, readTimeline, spend, type TimedSegment } from './timeline.ts';
import { integerAttribute, rangeAttribute } from './values.ts';
import { childNamed, childrenNamed, type XmlElement } from './xml.ts';

/** A file or a part of it; `range` with inclusive offsets. */
export type LocatedBytes = {
  readonly location: Location;
  readonly range?: { readonly start: number; readonly end: number };
};

/** `isOptional`: its file may be missing (see TimedSegment). */
export type LocatedSegment = LocatedBytes & { readonly durationTicks: number; readonly isOptional: boolean };

export type SegmentInformation =
  | {
      readonly kind: 'listed';
      readonly timescale: number;
      readonly init?: LocatedBytes;
      readonly segments: readonly LocatedSegment[];
      /** 5.3.9.2: the time in the media that lies at the start of the Period. */
      readonly presentationTimeOffset: number;
    }
  /** One file with everything in it; where its segments lie says an index inside, if there is one. */
  | {
      readonly kind: 'single';
      readonly file: Location;
      readonly timescale: number;
      readonly init?: LocatedBytes;
      readonly indexRange?: { readonly start: number; readonly end: number };
      readonly presentationTimeOffset: number;
    };

export type RepresentationContext = {
  /** From the outside in: Period, AdaptationSet, Representation. */
  readonly levels: readonly XmlElement[];
  readonly base: Location;
  readonly values: TemplateValues;
  readonly periodSeconds: number | undefined;
  readonly budget: Budget;
};

const KINDS = ['SegmentTemplate', 'SegmentList', 'SegmentBase'] as const;

/** Throws `package_invalid`. */
export function readSegmentInformation(context: RepresentationContext): SegmentInformation {
  const innermostFirst = context.levels.toReversed();
  for (const level of innermostFirst) {
    const kind = KINDS.find((name) => childNamed(level, name) !== undefined);
    if (kind === undefined) continue;
    const merged = merge(innermostFirst.flatMap((one) => childNamed(one, kind) ?? []));
    if (kind === 'SegmentTemplate') return fromTemplate(merged, context);
    return kind === 'SegmentList' ? fromList(merged, context) : fromBase(merged, context);
  }
  return { kind: 'single', file: context.base, timescale: 1, presentationTimeOffset: 0 };
}

/** 5.3.9.1: attributes and elements of inner levels stand before those of outer ones. */
function merge(innermostFirst: readonly XmlElement[]): XmlElement {
  const attributes: Record<string, string> = {};
  const children = new Map<string, XmlElement[]>();
  for (const element of innermostFirst) {
    for (const [name, value] of Object.entries(element.attributes)) attributes[name] ??= value;
    for (const name of new Set(element.children.map((child) => child.name))) {
      if (!children.has(name)) children.set(name, childrenNamed(element, name));
    }
  }
  return {
    name: innermostFirst[0]?.name ?? '',
    attributes,
    children: [...children.values()].flat(),
    text: '',
  };
}

function fromTemplate(template: XmlElement, context: RepresentationContext): SegmentInformation {
  const { base, values } = context;
  const media = template.attributes['media'];
  if (media === undefined)
    throw new AppError('package_invalid', 'the MPD has a SegmentTemplate without media');
  const firstNumber = integerAttribute(template, 'startNumber') ?? 1;
  const segments = readTimes(template, context).map(({ startTicks, durationTicks, isDoubtful }, i) => {
    const uri = expandTemplate(media, { ...values, Number: firstNumber + i, Time: startTicks });
    return { location: resolveLocation(base, uri), durationTicks, isOptional: isDoubtful };
  });
  const initTemplate = template.attributes['initialization'];
  const init =
    initTemplate === undefined
      ? initElement(template, context)
      : { location: resolveLocation(base, expandTemplate(initTemplate, values)) };
  return {
    kind: 'listed',
    timescale: timescaleOf(template),
    presentationTimeOffset: presentationTimeOffsetOf(template),
    segments,
    ...(init === undefined ? {} : { init }),
  };
}

function fromList(list: XmlElement, context: RepresentationContext): SegmentInformation {
  const urls = childrenNamed(list, 'SegmentURL');
  const times = readListTimes(list, urls.length, context);
  const segments = urls.map((url, i) => {
    const range = rangeAttribute(url, 'mediaRange');
    return {
      location: resolveLocation(context.base, url.attributes['media'] ?? ''),
      durationTicks: times[i]?.durationTicks ?? 1,
      isOptional: false,
      ...(range === undefined ? {} : { range }),
    };
  });
  const init = initElement(list, context);
  return {
    kind: 'listed',
    timescale: timescaleOf(list),
    presentationTimeOffset: presentationTimeOffsetOf(list),
    segments,
    ...(init === undefined ? {} : { init }),
  };
}

/** Without any times, the one segment lasts as long as the Period (5.3.9.3.2). */
function readListTimes(
  list: XmlElement,
  count: number,
  context: RepresentationContext,
): readonly TimedSegment[] {
  if (childNamed(list, 'SegmentTimeline') !== undefined) return readTimes(list, context);
  spend(context.budget, count);
  const endTicks = endTicksOf(list, context);
  const durationTicks =
    integerAttribute(list, 'duration') ?? Math.max(1, Math.round((endTicks ?? 1) / (count || 1)));
  return Array.from({ length: count }, (_, i) => {
    const rest =
      i === count - 1 && endTicks !== undefined ? Math.round(endTicks - i * durationTicks) : durationTicks;
    const isInside = rest > 0 && rest < durationTicks;
    return {
      startTicks: i * durationTicks,
      durationTicks: isInside ? rest : durationTicks,
      isDoubtful: false,
    };
  });
}

function fromBase(segmentBase: XmlElement, context: RepresentationContext): SegmentInformation {
  const indexRange = rangeAttribute(segmentBase, 'indexRange');
  const init = initElement(segmentBase, context);
  return {
    kind: 'single',
    file: context.base,
    timescale: timescaleOf(segmentBase),
    presentationTimeOffset: presentationTimeOffsetOf(segmentBase),
    ...(init === undefined ? {} : { init }),
    ...(indexRange === undefined ? {} : { indexRange }),
  };
}

function initElement(element: XmlElement, { base }: RepresentationContext): LocatedBytes | undefined {
  const initialization = childNamed(element, 'Initialization');
  if (initialization === undefined) return undefined;
  const range = rangeAttribute(initialization, 'range');
  const location = resolveLocation(base, initialization.attributes['sourceURL'] ?? '');
  return { location, ...(range === undefined ? {} : { range }) };
}

function readTimes(element: XmlElement, context: RepresentationContext): TimedSegment[] {
  const timeline = childNamed(element, 'SegmentTimeline');
  const endTicks = endTicksOf(element, context);
  if (timeline !== undefined) return readTimeline(timeline, endTicks, context.budget);
  const durationTicks = integerAttribute(element, 'duration');
  if (durationTicks === undefined) {
    throw new AppError(
      'package_invalid',
      'the MPD has a SegmentTemplate without duration and SegmentTimeline',
    );
  }
  return readEqualDurations(durationTicks, presentationTimeOffsetOf(element), endTicks, context.budget);
}

/** Where the Period ends on the media's own clock. */
function endTicksOf(element: XmlElement, { periodSeconds }: RepresentationContext): number | undefined {
  if (periodSeconds === undefined) return undefined;
  return periodSeconds * timescaleOf(element) + presentationTimeOffsetOf(element);
}

function presentationTimeOffsetOf(element: XmlElement): number {
  return integerAttribute(element, 'presentationTimeOffset') ?? 0;
}

function timescaleOf(element: XmlElement): number {
  return integerAttribute(element, 'timescale') || 1;
}
