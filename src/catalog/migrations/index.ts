/** Every change of the schema, in order. A published one is never edited: a new one follows it. */
import type { Migration } from 'kysely';
import * as videos from './001-videos.ts';
import * as uploads from './002-uploads.ts';
import * as metadata from './003-metadata.ts';
import * as chunks from './004-chunks.ts';
import * as captions from './005-captions.ts';
import * as poster from './006-poster.ts';

export const MIGRATIONS: Readonly<Record<string, Migration>> = {
  '001-videos': videos,
  '002-uploads': uploads,
  '003-metadata': metadata,
  '004-chunks': chunks,
  '005-captions': captions,
  '006-poster': poster,
};
