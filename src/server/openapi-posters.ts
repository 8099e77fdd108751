/** Choosing a poster, whose body no schema of a route describes: a time, a picture, or a form with one. */
import { NEEDS_KEY, pathParameter, problem } from './openapi-paths.ts';

const PICTURE = {};

/** OpenAPI path items by path. */
export const POSTER_PATHS = {
  '/api/v1/videos/{id}/poster': {
    put: {
      operationId: 'choosePoster',
      tags: ['Videos'],
      summary: 'Choose the poster',
      description:
        'A time, whose frame becomes the poster, or a picture: JPEG, PNG or WebP, at most 20 MB and 50 million pixels. A picture is encoded anew, upright, at most 960 pixels on its longer side, and without what cameras write into it. The poster has a new address then: `playback.poster`.',
      security: NEEDS_KEY,
      parameters: [pathParameter('id', 'A video’s id.')],
      requestBody: {
        required: true,
        content: {
          'application/json': {
            schema: {
              type: 'object',
              required: ['timeSeconds'],
              additionalProperties: false,
              properties: { timeSeconds: { type: 'number', minimum: 0 } },
            },
            example: { timeSeconds: 83.5 },
          },
          'image/jpeg': PICTURE,
          'image/png': PICTURE,
          'image/webp': PICTURE,
          'application/octet-stream': PICTURE,
          'multipart/form-data': {
            schema: {
              type: 'object',
              required: ['file'],
              properties: { file: { type: 'string', contentMediaType: 'image/jpeg' } },
            },
          },
        },
      },
      responses: {
        200: {
          description: 'The video as it is now.',
          content: { 'application/json': { schema: { $ref: '#/components/schemas/Video' } } },
        },
        400: problem('No such time, or a form without a file.'),
        401: problem('This needs the API key, in `Authorization: Bearer`.'),
        403: problem('A page of another site may not do this.'),
        404: problem('There is no such video, or no picture in it.'),
        413: problem('More than 20 MB.'),
        415: problem('Neither a time nor a picture of these kinds.'),
        422: problem('The picture, or the video at this time, cannot be decoded; or there is no picture.'),
        500: problem('Something went wrong inside the server.'),
        503: problem(
          'Still being inspected, or not available right now; `Retry-After` says when to try again.',
        ),
        507: problem('There is no room for it.'),
      },
    },
  },
};
