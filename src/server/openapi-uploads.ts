/** The ways in, whose bodies no schema of a route describes: forms with a file, and tus. */
import { z } from 'zod';
import { AddFromUrlJson, FormFields } from './add-video.ts';
import { NEEDS_KEY, pathParameter, problem } from './openapi-paths.ts';

const TUS = { url: 'https://tus.io/protocols/resumable-upload' };

const REFUSALS = {
  401: problem('This needs the API key, in `Authorization: Bearer`.'),
  403: problem('A page of another site may not do this.'),
  500: problem('Something went wrong inside the server.'),
  503: problem('Not available right now; `Retry-After` says when to try again.'),
  507: problem('There is no room for it.'),
};

/** What every call for one upload may be refused with. */
const GONE = {
  404: problem('There is no such upload.'),
  410: problem('It has expired or was ended.'),
  412: problem('Another version of the protocol.'),
};

const VIDEO_ID_HEADER = { 'Sluice-Video-Id': header('The id of the video that it fills.') };
const OFFSET_HEADERS = {
  'Upload-Offset': header('Bytes that are here.', 'integer'),
  'Upload-Expires': header('When it is removed, unless more bytes arrive.'),
};
const RESUMABLE = headerParameter('Tus-Resumable', '`1.0.0`', true);
const ID = pathParameter('id', 'From `Location` of the creation. Whoever knows it may write.');

/** OpenAPI path items by path. */
export const UPLOAD_PATHS = {
  '/api/v1/videos': {
    post: {
      operationId: 'addVideo',
      tags: ['Adding videos'],
      summary: 'Add a video in one request',
      description:
        'A form with the file, or JSON with an address to fetch it from. A form is answered when all of it is stored; an address at once, and then the video is `uploading` until it has been fetched. Addresses of private networks are not fetched from.',
      security: NEEDS_KEY,
      requestBody: {
        required: true,
        content: { 'multipart/form-data': { schema: formSchema() }, 'application/json': jsonBody() },
      },
      responses: {
        201: {
          description: 'The video.',
          headers: { Location: header('Its address in this API.') },
          content: { 'application/json': { schema: { $ref: '#/components/schemas/Video' } } },
        },
        400: problem('No file, two files, no address, or fields that may not be.'),
        413: problem('The file is too large.'),
        415: problem('The body is neither a form nor JSON.'),
        422: problem('The file is empty, or the address is not fetched from.'),
        ...REFUSALS,
      },
    },
  },
  '/api/v1/uploads': {
    post: {
      operationId: 'createUpload',
      tags: ['Adding videos'],
      summary: 'Begin a resumable upload (tus)',
      description:
        'tus 1.0.0 with creation, creation-with-upload, creation-defer-length, termination and expiration; any client of it will do. A body of `application/offset+octet-stream` has the first bytes.',
      externalDocs: TUS,
      security: NEEDS_KEY,
      parameters: [
        RESUMABLE,
        headerParameter('Upload-Length', 'Bytes of the whole file.'),
        headerParameter('Upload-Defer-Length', '`1`: the length is said later.'),
        headerParameter('Upload-Metadata', '`filename` and `title`, as the protocol encodes them.'),
      ],
      responses: {
        201: {
          description: 'It may begin.',
          headers: { Location: header('Where its bytes go.'), ...OFFSET_HEADERS, ...VIDEO_ID_HEADER },
        },
        400: problem('The header fields are not valid.'),
        412: problem('Another version of the protocol.'),
        413: problem('The file is too large.'),
        422: problem('The file is empty.'),
        ...REFUSALS,
      },
    },
  },
  '/api/v1/uploads/{id}': {
    head: {
      operationId: 'getUpload',
      tags: ['Adding videos'],
      summary: 'Ask where an upload stands (tus)',
      externalDocs: TUS,
      parameters: [ID, RESUMABLE],
      responses: {
        200: {
          description: 'It may go on from here.',
          headers: {
            ...OFFSET_HEADERS,
            ...VIDEO_ID_HEADER,
            'Upload-Length': header('Bytes of the whole file, where that is known.', 'integer'),
          },
        },
        ...GONE,
      },
    },
    patch: {
      operationId: 'continueUpload',
      tags: ['Adding videos'],
      summary: 'Send more of an upload (tus)',
      description: 'What arrived before a break is kept.',
      externalDocs: TUS,
      security: NEEDS_KEY,
      parameters: [ID, RESUMABLE, headerParameter('Upload-Offset', 'Where these bytes begin.', true)],
      requestBody: { required: true, content: { 'application/offset+octet-stream': {} } },
      responses: {
        204: { description: 'They are stored.', headers: { ...OFFSET_HEADERS, ...VIDEO_ID_HEADER } },
        400: problem('More bytes than were announced, or header fields that are not valid.'),
        409: problem('The upload stands at another offset.'),
        413: problem('The file is too large.'),
        415: problem('The body is not `application/offset+octet-stream`.'),
        ...GONE,
        ...REFUSALS,
      },
    },
    delete: {
      operationId: 'endUpload',
      tags: ['Adding videos'],
      summary: 'Give up an upload (tus)',
      description: 'Its video is removed.',
      externalDocs: TUS,
      security: NEEDS_KEY,
      parameters: [ID, RESUMABLE],
      responses: { 204: { description: 'It is gone.' }, ...GONE, ...REFUSALS },
    },
  },
};

function formSchema() {
  const file = { type: 'string', contentMediaType: 'application/octet-stream', description: 'The file.' };
  const fields = schemaOf(FormFields);
  return { ...fields, properties: { ...fields.properties, file }, required: ['file'] };
}

function jsonBody() {
  return { schema: schemaOf(AddFromUrlJson), example: { source: { url: 'https://video.example/a.mp4' } } };
}

/** Without what belongs to a document of its own. */
function schemaOf(schema: z.ZodType) {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io: 'input' });
  return rest;
}

function header(description: string, type = 'string') {
  return { description, schema: { type } };
}

function headerParameter(name: string, description: string, required = false) {
  return { name, in: 'header', required, description, schema: { type: 'string' } };
}
