/** The machine-readable description of the API, made from the schemas that requests and answers are checked against. */
import swagger from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';
import { createJsonSchemaTransform, createJsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { clientGoneSignal } from './client-gone.ts';
import { memoryResource } from '../pipeline/memory-resource.ts';
import { CAPTION_PATHS } from './openapi-captions.ts';
import { OTHER_PATHS } from './openapi-paths.ts';
import { POSTER_PATHS } from './openapi-posters.ts';
import { UPLOAD_PATHS } from './openapi-uploads.ts';
import { Problem } from './problems.ts';
import { sendResource } from './send-resource.ts';

type Overridden = {
  readonly zodSchema: z.core.$ZodTypes;
  readonly jsonSchema: z.core.JSONSchema.BaseSchema;
};

const zodToJsonConfig = {
  override: ({ zodSchema, jsonSchema }: Overridden) => {
    // "Fits a double" is nothing to tell people.
    if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
    if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
    // Clients must not refuse what a later version adds; what we refuse ourselves is said.
    const isClosed = jsonSchema.additionalProperties === false;
    if (isClosed && !isStrict(zodSchema)) delete jsonSchema.additionalProperties;
  },
};

function isStrict({ _zod: { def } }: z.core.$ZodTypes): boolean {
  if (def.type !== 'object' || def.catchall === undefined) return false;
  const { _zod: catchall } = def.catchall;
  return catchall.def.type === 'never';
}

type ProblemStatus = keyof typeof PROBLEM_DESCRIPTIONS;

const PROBLEM_DESCRIPTIONS = {
  400: 'The request is not valid.',
  401: 'This needs the API key, in `Authorization: Bearer`.',
  403: 'A page of another site may not do this.',
  404: 'There is no such thing.',
  415: 'The body is of a kind that is not taken here.',
  500: 'Something went wrong inside the server.',
  503: 'Not available right now; `Retry-After` says when to try again.',
} as const;

type DescribedResponse<MediaType extends string, Schema> = {
  description: string;
  content: Record<MediaType, { schema: Schema }>;
};
type ProblemResponse = DescribedResponse<'application/problem+json', typeof Problem>;

/** The answer of an operation that succeeds, for its `response` schema. */
export function jsonResponse<Schema extends z.ZodType>(
  description: string,
  schema: Schema,
): DescribedResponse<'application/json', Schema> {
  return { description, content: { 'application/json': { schema } } };
}

/** The answer of an operation that succeeds and has nothing to say, for its `response` schema. */
export function noContent(description: string): z.ZodType {
  return z.undefined().meta({ description });
}

/** The error answers of an operation, for its `response` schema. */
export function problemResponses<Status extends ProblemStatus>(
  ...statuses: readonly Status[]
): Record<Status, ProblemResponse> {
  const responses = statuses.map((status) => [status, problemResponse(PROBLEM_DESCRIPTIONS[status])]);
  return Object.fromEntries(responses) as Record<Status, ProblemResponse>;
}

function problemResponse(description: string): ProblemResponse {
  return { description, content: { 'application/problem+json': { schema: Problem } } };
}

type Paths = Readonly<Record<string, object>>;

const toOpenApi = createJsonSchemaTransformObject({ zodToJsonConfig });

/** Adds what no schema describes. Each schema comes twice, for reading and for writing; ours only go out. */
function completeDocument<Document extends object>(generated: Document): Document {
  const { paths, components } = generated as { paths?: Paths; components?: { schemas?: object } };
  const schemas = Object.entries(components?.schemas ?? {});
  const outputSchemas = schemas.filter(([name]) => !name.endsWith('Input'));
  return {
    ...generated,
    paths: merged({ ...paths, ...OTHER_PATHS }, { ...UPLOAD_PATHS, ...CAPTION_PATHS, ...POSTER_PATHS }),
    components: { ...components, schemas: Object.fromEntries(outputSchemas) },
  };
}

/** Path items by path. A path may be in both: the operations of its methods are put together. */
function merged(paths: Paths, others: Paths): Paths {
  const items = Object.entries(others).map(([path, item]) => [path, { ...paths[path], ...item }]);
  return { ...paths, ...Object.fromEntries(items) };
}

/** Collects the routes added from now on. */
export async function addOpenApi(app: FastifyInstance, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Sluice',
        version,
        description:
          'Put a video in once, play it everywhere. Every error is `application/problem+json` with a stable `code`.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      components: {
        securitySchemes: {
          apiKey: { type: 'http', scheme: 'bearer', description: '`SLUICE_API_KEY`, where it is set.' },
        },
      },
      servers: [{ url: '/', description: 'This server' }],
      tags: [
        { name: 'Videos', description: 'What there is to play.' },
        { name: 'Adding videos', description: 'Three ways in, each with constant memory.' },
        { name: 'Captions', description: 'Text to read along.' },
        { name: 'Playback', description: 'What players fetch. Open to pages of any origin, and cacheable.' },
        { name: 'Health', description: 'For whoever runs the server.' },
      ],
    },
    transform: createJsonSchemaTransform({ zodToJsonConfig }),
    transformObject: (document) => completeDocument(toOpenApi(document)),
  });

  app.get('/api/v1/openapi.json', { schema: { hide: true } }, async (request, reply) => {
    const text = JSON.stringify(app.swagger());
    const resource = memoryResource(Buffer.from(text), 'application/json', { isImmutable: false });
    await sendResource(request, reply, resource, clientGoneSignal(reply.raw));
  });
}
