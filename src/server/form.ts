/** Forms with a file in them: multipart/form-data (RFC 7578), read as it comes. */
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { Busboy, type BusboyHeaders, type BusboyInstance } from '@fastify/busboy';
import { AppError } from '../errors.ts';
import { watchedBody } from '../pipeline/watched-body.ts';
import { brokenOff, webBody } from './web-body.ts';

/** A form that has exactly one file. */
export type Form = {
  readonly filename: string;
  /** Ends only when the whole form has been read and nothing was wrong with it. */
  readonly body: ReadableStream<Uint8Array>;
  /** The other fields: those before the file, and all of them once `body` has ended. */
  readonly fields: ReadonlyMap<string, string>;
};

const MAX_FIELDS = 50;
/** In bytes. Descriptions are the longest. */
const MAX_FIELD_BYTES = 64 * 1024;
/** Read ahead of whoever takes the file's bytes, in bytes. */
const READ_AHEAD_BYTES = 256 * 1024;

/**
 * The form in the body of `request`, as soon as its file begins. Throws `invalid_request` where there is no file, and
 * fails the body so where a second one follows or the form is not well formed; `aborted` where the client goes away.
 */
export function readForm(request: IncomingMessage): Promise<Form> {
  const form = Promise.withResolvers<Form>();
  const ended = Promise.withResolvers<void>();
  ended.promise.catch(() => {});
  const fields = new Map<string, string>();
  let file: Readable | undefined;
  let failure: AppError | undefined;
  const parser = parserOf(request);

  const fail = (error: AppError): void => {
    if (failure !== undefined) return;
    failure = error;
    request.unpipe(parser);
    form.reject(error);
    ended.reject(error);
    file?.destroy(error);
  };
  parser.on('field', (name, value, _nameCut, isCut) => {
    if (name === 'file') fail(invalid('the field "file" holds text: send it as a file, with a file name'));
    else if (isCut) fail(invalid(`the field ${JSON.stringify(name)} is too long`));
    else fields.set(name, value);
  });
  parser.on('file', (name, part, filename) => {
    const problem =
      file === undefined ? fileProblem(name, filename) : 'a form has one file, this one has two';
    // Who reads it is told through its body.
    part.on('error', () => {});
    if (problem !== undefined) {
      part.resume();
      return fail(invalid(problem));
    }
    file = part;
    const bytes = webBody(part, (error) => failure ?? invalid(`the form breaks off: ${error?.message}`));
    const body = watchedBody(bytes, { onBytes: () => {}, onEnd: () => ended.promise });
    form.resolve({ filename, body, fields });
  });
  parser.on('fieldsLimit', () => fail(invalid('the form has too many fields')));
  parser.on('error', (error) => fail(invalid(`the form is not well formed: ${(error as Error).message}`)));
  parser.on('finish', () => {
    if (file === undefined) fail(invalid('the form has no file: send it in the field "file"'));
    ended.resolve();
  });
  request.once('close', () => {
    if (!request.complete) fail(brokenOff(undefined));
  });
  request.on('error', (error) => fail(brokenOff(error)));
  request.pipe(parser);
  return form.promise;
}

function parserOf({ headers }: IncomingMessage): BusboyInstance {
  try {
    return new Busboy({
      headers: headers as BusboyHeaders,
      fileHwm: READ_AHEAD_BYTES,
      limits: { fields: MAX_FIELDS, fieldSize: MAX_FIELD_BYTES, headerPairs: 50 },
      isPartAFile: (_name, _type, filename) => filename !== undefined,
    });
  } catch (error) {
    throw invalid(`the form cannot be read: ${(error as Error).message}`);
  }
}

/** A browser sends an empty name for a field that nothing was chosen in. */
function fileProblem(name: string, filename: string): string | undefined {
  if (name !== 'file') return `the file belongs in the field "file", not in ${JSON.stringify(name)}`;
  return filename === '' ? 'the form has no file: none was chosen' : undefined;
}

function invalid(message: string): AppError {
  return new AppError('invalid_request', message);
}
