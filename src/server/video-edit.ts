/** What a person may change of a video, as it is sent. */
import { z } from 'zod';
import { MAX_METADATA_ENTRIES } from '../pipeline/edit-video.ts';
import type { VideoEdit } from '../pipeline/services.ts';

/** Databases differ in what they make of NUL. */
const TEXT = /^[^\0]*$/;
const ONE_LINE = /^\P{Cc}*$/u;

const MAX_ENTRY_LENGTH = 1000;

const metadata = z.record(
  z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$/, {
    error: 'a name has 1 to 64 ASCII letters, digits, _ . : -, and starts with a letter or digit',
  }),
  z.string().max(MAX_ENTRY_LENGTH).regex(TEXT).nullable(),
);

/** The body of `PATCH /videos/{id}`: a merge patch (RFC 7396). */
export const VideoEditBody = z.strictObject({
  title: z.string().trim().min(1).max(500).regex(ONE_LINE).optional().meta({ description: 'One line.' }),
  description: z.string().max(10_000).regex(TEXT).optional(),
  visibility: z.enum(['public', 'private']).optional(),
  metadata: metadata.optional().meta({
    description: `Merged into what is there: \`null\` removes an entry, what is not named stays. A video has at most ${MAX_METADATA_ENTRIES} entries.`,
  }),
});

/** The change that a body asks for. */
export function videoEditOf(body: z.infer<typeof VideoEditBody>): VideoEdit {
  const given = Object.entries(body).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given);
}
