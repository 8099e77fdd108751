/** The check of everything that a child says: it has opened untrusted bytes, so it is not trusted either. */
import { z } from 'zod';
import { sourceInfoSchema } from '../media/source-schema.ts';

/** The codes that a child may fail with; anything else is taken for `encode_failed`. */
const failureCode = z
  .enum([
    'source_damaged',
    'source_unsupported',
    'source_not_media',
    'source_empty',
    'source_unreadable',
    'source_vanished',
    'object_not_found',
    'object_store_failed',
    'aborted',
  ])
  .catch('encode_failed' as never);

const trackId = z.string().max(64);

export const reportSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('read'),
    offset: z.number().int().nonnegative(),
    length: z
      .number()
      .int()
      .positive()
      .max(16 * 1024 * 1024),
  }),
  z.object({ type: z.literal('info'), info: sourceInfoSchema }),
  z.object({ type: z.literal('init'), trackId }),
  z.object({ type: z.literal('segment'), trackId, index: z.number().int().nonnegative() }),
  z.object({ type: z.literal('captions'), streamIndex: z.number().int().nonnegative() }),
  z.object({ type: z.literal('picture') }),
  z.object({ type: z.literal('done') }),
  z.object({ type: z.literal('failed'), code: failureCode, message: z.string().max(1000) }),
]);
