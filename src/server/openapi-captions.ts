/** Adding captions, whose body no schema of a route describes: it is text, or a form with it. */
import { NEEDS_KEY, pathParameter, problem } from './openapi-paths.ts';

const TEXT = { schema: { type: 'string' } };

const CAPTIONS = {
  content: { 'application/json': { schema: { $ref: '#/components/schemas/Caption' } } },
};

/** OpenAPI path items by path. */
export const CAPTION_PATHS = {
  '/api/v1/videos/{id}/captions/{language}': {
    put: {
      operationId: 'putCaptions',
      tags: ['Captions'],
      summary: 'Add or replace captions',
      description:
        'WebVTT or SubRip in any common encoding, at most 5 MB. They take the place of those that were uploaded in the same language, and stand before what the source has in it. Times that make no sense are mended, markup that WebVTT does not know is dropped.',
      security: NEEDS_KEY,
      parameters: [
        pathParameter('id', 'A video’s id.'),
        pathParameter('language', 'A tag of BCP 47: `en`, `pt-BR`, `zh-Hant`.'),
        query('label', 'What people choose by; the name of the language unless given.', {
          type: 'string',
          maxLength: 100,
        }),
        query('kind', '`captions` say what can be heard besides speech, too.', {
          enum: ['subtitles', 'captions'],
          default: 'subtitles',
        }),
        query('default', 'Shown unless the viewer wants none. Then no other of the video’s is.', {
          type: 'boolean',
          default: false,
        }),
      ],
      requestBody: {
        required: true,
        content: {
          'text/vtt': TEXT,
          'application/x-subrip': TEXT,
          'text/plain': TEXT,
          'application/octet-stream': TEXT,
          'multipart/form-data': {
            schema: {
              type: 'object',
              required: ['file'],
              properties: { file: { type: 'string', contentMediaType: 'text/vtt' } },
            },
          },
        },
      },
      responses: {
        200: { description: 'There were others in this language before.', ...CAPTIONS },
        201: { description: 'They are new.', ...CAPTIONS },
        400: problem('No language, no file, or a query that may not be.'),
        401: problem('This needs the API key, in `Authorization: Bearer`.'),
        403: problem('A page of another site may not do this.'),
        404: problem('There is no such video.'),
        413: problem('More than 5 MB, or more than 50,000 captions.'),
        415: problem('The body is of a kind that is not taken here.'),
        422: problem('No captions, or no text; `code` says what.'),
        500: problem('Something went wrong inside the server.'),
        503: problem('Not available right now; `Retry-After` says when to try again.'),
        507: problem('There is no room for it.'),
      },
    },
  },
};

function query(name: string, description: string, schema: object) {
  return { name, in: 'query', description, schema };
}
