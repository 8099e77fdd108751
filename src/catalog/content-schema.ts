/** What inspection found, as it is stored: JSON that an older or newer version of Sluice may have written. */
import { z } from 'zod';
import { rationalSchema, sourceInfoSchema } from '../media/source-schema.ts';
import type { VideoContent } from './video.ts';

const count = z.number().int();
const text = z.string();

const track = {
  id: text,
  label: text,
  codecs: text,
  timescale: count,
  bitrate: z.object({ peakBitsPerSecond: z.number(), averageBitsPerSecond: z.number() }),
  segments: z.array(z.object({ index: count, startTicks: count, durationTicks: count })),
};

const videoTrack = z.object({
  ...track,
  kind: z.literal('video'),
  width: count,
  height: count,
  frameRate: rationalSchema,
  trickPlay: z.object({ peakBitsPerSecond: z.number() }).exactOptional(),
});

const audioTrack = z.object({
  ...track,
  kind: z.literal('audio'),
  channels: count,
  sampleRate: count,
  language: text.exactOptional(),
  title: text.exactOptional(),
  isDefault: z.boolean(),
  role: z.enum(['commentary', 'description']).exactOptional(),
  soundId: text.exactOptional(),
});

const packagedBytes = z.object({
  path: text,
  range: z.object({ start: count, end: count.exactOptional() }).exactOptional(),
});

const packagedTrack = z.object({
  container: z.enum(['fmp4', 'mpegts', 'aac', 'webm', 'webvtt', 'other']),
  init: packagedBytes.exactOptional(),
  segments: z.array(packagedBytes),
  manifestOriginTicks: z.number().exactOptional(),
  sound: z
    .object({
      label: text,
      language: text.exactOptional(),
      title: text.exactOptional(),
      isDefault: z.boolean(),
      role: z.enum(['commentary', 'description']).exactOptional(),
      soundId: text.exactOptional(),
    })
    .exactOptional(),
});

const packagedCaption = z.object({
  language: text.exactOptional(),
  title: text.exactOptional(),
  kind: z.enum(['subtitles', 'captions']),
  isDefault: z.boolean(),
  isForced: z.boolean(),
  container: z.enum(['webvtt', 'fmp4']),
  init: packagedBytes.exactOptional(),
  segments: z.array(packagedBytes),
  manifestOriginSeconds: z.number(),
});

const presentation = z.object({ tracks: z.array(z.discriminatedUnion('kind', [videoTrack, audioTrack])) });

const rewrappedTrack = z.object({
  from: text,
  streamId: count,
  trackNumber: count,
  originTicks: z.number(),
  compositionShiftTicks: count,
  presentationOffsetTicks: count,
  leadTicks: count,
  firstParts: z.array(count),
});

const packageInfo = z.object({
  format: z.enum(['hls', 'dash']),
  root: text,
  entry: text,
  files: z.array(z.object({ path: text, mediaType: text })),
  presentation,
  media: z.record(text, packagedTrack),
  captions: z.array(packagedCaption).exactOptional(),
  rewrapped: z
    .object({ presentation, sources: z.record(text, rewrappedTrack), originSeconds: z.number() })
    .exactOptional(),
});

const videoContent = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('media'), source: sourceInfoSchema, cut: text.exactOptional() }),
  z.object({ kind: z.literal('package'), package: packageInfo }),
]);

/** The content that `json` holds; undefined where this version does not understand it. */
export function parseContent(json: string): VideoContent | undefined {
  try {
    return videoContent.parse(JSON.parse(json));
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof z.ZodError) return undefined;
    throw error;
  }
}

// Fails to compile where the schema and the types of media/ part ways: a field that the schema does not know
// would be dropped in silence when a row is read.
type Plain<T> = T extends object ? { -readonly [K in keyof T]: Plain<T[K]> } : T;
type IsSame<A, B> =
  (<T>() => T extends Plain<A> ? 1 : 2) extends <T>() => T extends Plain<B> ? 1 : 2 ? true : false;
true satisfies IsSame<z.infer<typeof videoContent>, VideoContent>;
