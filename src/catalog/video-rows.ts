/** Videos as rows, and back. */
import type { Selectable } from 'kysely';
import { z } from 'zod';
import type { ErrorCode } from '../errors.ts';
import { parseObjectKey } from '../storage/object-key.ts';
import { type Caption, captionListText, parseCaptionList } from './caption.ts';
import { parseContent } from './content-schema.ts';
import { fold } from './fold.ts';
import type { VideosTable } from './schema.ts';
import { parseVideoId, type Video, type VideoMetadata, type VideoSource, type VideoStatus } from './video.ts';
import type { VideoChange } from './video-repository.ts';

const metadataSchema = z.record(z.string(), z.string());

/** The row of a new video. */
export function rowOf(video: Video): VideosTable {
  return {
    id: video.id,
    ...titleColumns(video.title),
    description: video.description,
    visibility: video.visibility,
    status: video.status,
    ...errorColumns(video.error),
    created_at: video.createdAt.getTime(),
    updated_at: video.updatedAt.getTime(),
    ...sourceColumns(video.source),
    revision: video.revision,
    content: contentColumn(video.content),
    metadata: metadataColumn(video.metadata),
    captions: captionsColumn(video.captions),
    poster: video.poster ?? null,
  };
}

/** The columns that `change` sets. */
export function columnsOf(change: VideoChange): Partial<VideosTable> {
  return {
    ...(change.title === undefined ? {} : titleColumns(change.title)),
    ...(change.description === undefined ? {} : { description: change.description }),
    ...(change.visibility === undefined ? {} : { visibility: change.visibility }),
    ...(change.status === undefined ? {} : { status: change.status }),
    ...(change.error === undefined ? {} : errorColumns(change.error)),
    ...(change.source === undefined ? {} : sourceColumns(change.source)),
    ...(change.revision === undefined ? {} : { revision: change.revision }),
    ...(change.content === undefined ? {} : { content: contentColumn(change.content) }),
    ...(change.metadata === undefined ? {} : { metadata: metadataColumn(change.metadata) }),
    ...(change.captions === undefined ? {} : { captions: captionsColumn(change.captions) }),
    ...(change.poster === undefined ? {} : { poster: change.poster }),
  };
}

/**
 * The video of a row. Without `content` where the row has none, or where another version of Sluice wrote it in a
 * form that this one does not understand: it can be inspected again.
 */
export function videoOf(row: Omit<Selectable<VideosTable>, 'title_folded' | 'source_name_folded'>): Video {
  const content = row.content === null ? undefined : parseContent(row.content);
  return {
    id: parseVideoId(row.id),
    title: row.title,
    description: row.description,
    visibility: row.visibility as Video['visibility'],
    status: row.status as VideoStatus,
    ...(row.error_code === null
      ? {}
      : { error: { code: row.error_code as ErrorCode, message: row.error_message ?? '' } }),
    createdAt: new Date(row.created_at),
    updatedAt: new Date(row.updated_at),
    source: {
      origin: row.source_origin as VideoSource['origin'],
      key: parseObjectKey(row.source_key),
      name: row.source_name,
      bytes: row.source_bytes,
      etag: row.source_etag,
    },
    revision: row.revision,
    ...(content === undefined ? {} : { content }),
    ...(row.metadata === null ? {} : { metadata: metadataSchema.parse(JSON.parse(row.metadata)) }),
    ...captionsOf(row.captions),
    ...(row.poster === null ? {} : { poster: row.poster }),
  };
}

/** The same map is always the same text. */
export function metadataColumn(metadata: VideoMetadata | null | undefined): string | null {
  return metadata === undefined || metadata === null ? null : JSON.stringify(metadata);
}

/** The same list is always the same text; none are null. */
export function captionsColumn(captions: readonly Caption[] | undefined): string | null {
  return captions === undefined || captions.length === 0 ? null : captionListText(captions);
}

function captionsOf(json: string | null): Pick<Video, 'captions'> {
  const captions = json === null ? [] : parseCaptionList(json);
  return captions.length === 0 ? {} : { captions };
}

function titleColumns(title: string) {
  return { title, title_folded: fold(title) };
}

function errorColumns(error: Video['error'] | null) {
  return { error_code: error?.code ?? null, error_message: error?.message ?? null };
}

function sourceColumns(source: VideoSource) {
  return {
    source_origin: source.origin,
    source_key: source.key,
    source_name: source.name,
    source_name_folded: fold(source.name),
    source_bytes: source.bytes,
    source_etag: source.etag,
  };
}

function contentColumn(content: Video['content'] | null): string | null {
  return content === undefined || content === null ? null : JSON.stringify(content);
}
