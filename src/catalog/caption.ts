/** Captions that were added to a video. Those inside its source are not here: they follow from its content. */
import { z } from 'zod';

const schema = z.object({
  /** `sidecar`: a file of its own, beside the video's in the library folder. */
  origin: z.enum(['uploaded', 'sidecar']),
  language: z.string(),
  label: z.string().exactOptional(),
  kind: z.enum(['subtitles', 'captions']),
  isDefault: z.boolean(),
  isForced: z.boolean(),
  /** Names the text: part of its address and of its object's key. */
  id: z.string(),
  /** The file that a sidecar was read from. */
  file: z.object({ key: z.string(), etag: z.string() }).exactOptional(),
});

/** Captions of a video: a WebVTT text in the store, and what is known of it. */
export type Caption = Readonly<z.infer<typeof schema>>;

const list = z.array(schema).readonly();

/** The same captions are always the same text, in whatever order their fields were named. */
export function captionListText(captions: readonly Caption[]): string {
  return JSON.stringify(list.parse(captions));
}

/** The captions that `json` holds; none where another version of Sluice wrote it in a form that this one does not know. */
export function parseCaptionList(json: string): readonly Caption[] {
  return list.catch([]).parse(JSON.parse(json));
}
