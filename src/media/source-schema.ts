/** The shape of SourceInfo where it crosses a border: what the engine's child says, what the catalog stored. */
import { z } from 'zod';

const count = z.number().int();
const text = z.string();

/** An exact fraction. */
export const rationalSchema = z.object({ num: count, den: count.positive() });

const span = { timeBase: rationalSchema, startTicks: count, endTicks: count };

const sourceVideo = z.object({
  ...span,
  streamIndex: count,
  codec: text,
  pixelFormat: text,
  codedWidth: count,
  codedHeight: count,
  displayWidth: count,
  displayHeight: count,
  rotationDegrees: z.literal([0, 90, 180, 270]),
  isMirrored: z.boolean(),
  sampleAspectRatio: rationalSchema,
  frameRate: rationalSchema,
  isVariableFrameRate: z.boolean(),
  isInterlaced: z.boolean(),
  color: z.object({ range: text, primaries: text, transfer: text, matrix: text }),
});

const sourceAudio = z.object({
  ...span,
  streamIndex: count,
  codec: text,
  channels: count,
  sampleRate: count,
  language: text.exactOptional(),
  title: text.exactOptional(),
  isDefault: z.boolean(),
  role: z.enum(['commentary', 'description']).exactOptional(),
});

const sourceCaption = z.object({
  streamIndex: count,
  codec: text,
  language: text.exactOptional(),
  title: text.exactOptional(),
  isForced: z.boolean(),
  isHearingImpaired: z.boolean(),
});

/** Checked equal to the type SourceInfo in catalog/content-schema.ts. */
export const sourceInfoSchema = z.object({
  container: text,
  bytes: count,
  video: sourceVideo.exactOptional(),
  audio: z.array(sourceAudio),
  captions: z.array(sourceCaption).exactOptional(),
});
