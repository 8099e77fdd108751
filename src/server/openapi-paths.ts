/**
 * Addresses whose answers are no JSON of ours, so that no schema describes them: playback (one wildcard route,
 * since formats decide what lies below it) and health.
 */
const PLAYBACK_PROBLEMS = {
  404: problem('There is no such video, or nothing at this address.'),
  422: problem('The source cannot be played; `code` says why.'),
  503: {
    ...problem('Still being inspected (`not_ready`), or not encoded within 8 s (`unavailable`): try again.'),
    headers: { 'Retry-After': { description: 'Seconds to wait.', schema: { type: 'integer' } } },
  },
};

const REVALIDATED =
  'Answered with an `ETag` and `Cache-Control: no-cache`: keep it, and ask each time whether it still holds.';
const IMMUTABLE =
  'Never changes: `Cache-Control: public, max-age=31536000, immutable`. Byte ranges are served.';

/** For the `security` of operations that change something. A server without an API key asks nobody. */
export const NEEDS_KEY = [{ apiKey: [] }];

/** OpenAPI path items by path. */
export const OTHER_PATHS = {
  '/v/{id}/hls/main.m3u8': playback('getHls', 'HLS', REVALIDATED, 'application/vnd.apple.mpegurl'),
  '/v/{id}/dash/manifest.mpd': playback('getDash', 'DASH', REVALIDATED, 'application/dash+xml'),
  '/v/{id}/poster.jpg': playback(
    'getPoster',
    'Poster',
    `The one that was chosen, or a good frame. ${REVALIDATED}`,
    'image/jpeg',
  ),
  '/v/{id}/storyboard.vtt': playback(
    'getStoryboard',
    'Storyboard',
    `For each stretch of the video, which part of which sheet shows it. ${REVALIDATED}`,
    'text/vtt',
  ),
  '/v/{id}/storyboard/{revision}/{n}.jpg': playback(
    'getStoryboardSheet',
    'Sheet of a storyboard',
    `${IMMUTABLE} One that is not there yet is made while the request waits.`,
    'image/jpeg',
    [pathParameter('revision', 'As the storyboard has it.'), pathParameter('n', 'Counts from 0.')],
  ),
  '/v/{id}/captions/{text}': playback(
    'getCaptions',
    'The text of captions',
    'As `captions` of the video and the manifests name it. Never changes: another text has another address. One that is still inside the source is read from it while the request waits.',
    'text/vtt',
    [pathParameter('text', 'Ends in `.vtt`.')],
  ),
  '/v/{id}/cmaf/{revision}/{track}/init.mp4': playback(
    'getInit',
    'Init segment of a track',
    IMMUTABLE,
    'video/mp4',
    [pathParameter('revision', 'As the manifests have it.'), pathParameter('track', 'A track’s `id`.')],
  ),
  '/v/{id}/cmaf/{revision}/{track}/{n}.m4s': playback(
    'getSegment',
    'Media segment of a track',
    `${IMMUTABLE} One that is not encoded yet is encoded while the request waits.`,
    'video/iso.segment',
    [
      pathParameter('revision', 'As the manifests have it.'),
      pathParameter('track', 'A track’s `id`.'),
      pathParameter('n', 'Counts from 0.'),
    ],
  ),
  '/v/{id}/trick/{revision}/{track}/{n}.m4s': playback(
    'getTrickPlayFrame',
    'First frame of a media segment, alone',
    `${IMMUTABLE} For moving fast through a video; lasts as long as the segment, behind the same init segment. The manifests say which tracks have it.`,
    'video/iso.segment',
    [
      pathParameter('revision', 'As the manifests have it.'),
      pathParameter('track', 'A track’s `id`.'),
      pathParameter('n', 'Counts from 0.'),
    ],
  ),
  '/healthz': health('isAlive', 'Does the process live?', {
    200: { description: 'It does.', content: json({ status: 'alive' }) },
  }),
  '/readyz': health('isReady', 'Can it do its work?', {
    200: { description: 'It can.', content: json({ status: 'ready' }) },
    503: problem('Something it needs does not answer; `detail` says what.'),
  }),
  '/metrics': health('getMetrics', 'Metrics for Prometheus', {
    200: { description: 'Counters.', content: { 'text/plain': { schema: { type: 'string' } } } },
  }),
};

function playback(
  operationId: string,
  summary: string,
  description: string,
  mediaType: string,
  parameters: readonly object[] = [],
) {
  return {
    get: {
      operationId,
      tags: ['Playback'],
      summary,
      description,
      parameters: [pathParameter('id', 'A video’s id.'), ...parameters],
      responses: {
        200: { description: 'The bytes.', content: { [mediaType]: {} } },
        206: { description: 'The bytes asked for with `Range`.' },
        304: { description: 'What `If-None-Match` names still holds.' },
        ...PLAYBACK_PROBLEMS,
        416: problem('The range lies beyond the end.'),
      },
    },
  };
}

function health(operationId: string, summary: string, responses: object) {
  return { get: { operationId, tags: ['Health'], summary, responses } };
}

/** A part of a path. */
export function pathParameter(name: string, description: string) {
  return { name, in: 'path', required: true, description, schema: { type: 'string' } };
}

/** An error answer. */
export function problem(description: string) {
  return {
    description,
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
  };
}

function json(example: Readonly<Record<string, string>>) {
  return { 'application/json': { schema: { type: 'object' }, example } };
}
