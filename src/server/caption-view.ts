/** Captions as the JSON API shows them. */
import { z } from 'zod';
import type { VideoId } from '../catalog/video.ts';
import { captionPath } from '../media/captions.ts';
import type { ListedCaption } from '../pipeline/captions-of-video.ts';

/** The schema of captions in the API's answers. */
export const CaptionJson = z
  .object({
    language: z.string().meta({ description: 'A BCP 47 tag; `und` where nobody has said.' }),
    label: z.string().meta({ description: 'What people choose by.' }),
    kind: z
      .enum(['subtitles', 'captions'])
      .meta({ description: '`captions` say what can be heard besides speech, too.' }),
    origin: z.enum(['uploaded', 'source']).meta({
      description: '`source`: inside the video’s file, or in a file beside it in the library folder.',
    }),
    isDefault: z.boolean().meta({ description: 'Shown unless the viewer wants none.' }),
    isForced: z.boolean().meta({
      description: 'Only what is needed by those who understand the sound.',
    }),
    url: z.url().meta({ description: 'The text, as WebVTT.' }),
  })
  .meta({ id: 'Caption', description: 'Text to read along with a video.' });

/** The JSON of captions. `baseUrl` is what absolute addresses start with, without a slash at the end. */
export function viewCaption(
  videoId: VideoId,
  caption: ListedCaption,
  baseUrl: string,
): z.infer<typeof CaptionJson> {
  const { id, language, label, kind, origin, isDefault, isForced } = caption;
  const url = `${baseUrl}/v/${videoId}/${captionPath(id)}`;
  return { language, label, kind, origin, isDefault, isForced, url };
}
