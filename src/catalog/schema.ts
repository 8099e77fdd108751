/**
 * The tables as Kysely sees them. Only types that SQLite and PostgreSQL share: text, and integers below 2^53
 * (times are milliseconds since 1970). JSON is text, checked by zod when it is read.
 */
export type Schema = {
  readonly videos: VideosTable;
  readonly chunks: ChunksTable;
  readonly uploads: UploadsTable;
};

/** One row for each video. `migrations/` says what each column is. */
export type VideosTable = {
  readonly id: string;
  readonly title: string;
  readonly title_folded: string;
  readonly description: string;
  readonly visibility: string;
  readonly status: string;
  readonly error_code: string | null;
  readonly error_message: string | null;
  readonly created_at: number;
  readonly updated_at: number;
  readonly source_origin: string;
  readonly source_key: string;
  readonly source_name: string;
  readonly source_name_folded: string;
  readonly source_bytes: number;
  readonly source_etag: string;
  readonly revision: string;
  readonly content: string | null;
  readonly metadata: string | null;
  readonly captions: string | null;
  readonly poster: string | null;
};

/** One row for each chunk of each upload. */
export type ChunksTable = {
  readonly video_id: string;
  readonly revision: string;
  /** `video` or `audio`. */
  readonly kind: string;
  readonly first_segment: number;
  readonly end_segment: number;
  /** `waiting` or `done`. */
  readonly status: string;
};

/** One row for each file on its way in. */
export type UploadsTable = {
  readonly id: string;
  readonly video_id: string;
  /** `resumable`, `direct` or `pull`. */
  readonly origin: string;
  /** `receiving`, `complete` or `ended`. */
  readonly state: string;
  readonly filename: string;
  readonly title: string | null;
  readonly total_bytes: number | null;
  readonly expires_at: number;
  readonly url: string | null;
  readonly validator: string | null;
};
