/** The environment, checked once at the start. Nothing else reads `process.env`. */
import { resolve } from 'node:path';
import { z } from 'zod';
import { ADDRESSING, bucketOf, isPartOf, PLACE, type Place, type PlaceName } from './config/places.ts';
import { FOLDER, HTTP_URL, type Read, type Setting } from './config/setting.ts';
import { AppError } from './errors.ts';

/** Everything that can be set from outside. */
export type Config = {
  /** The address to listen on. */
  readonly host: string;
  /** The port to listen on; 0 is any free one. */
  readonly port: number;
  /** The same for a worker, which listens only where it is told to. */
  readonly workerPort?: number;
  /** Absolute path of the folder for everything that Sluice keeps. */
  readonly dataFolder: string;
  /** The videos that people put there. Never written to. */
  readonly library: Place;
  /** How often a library is looked through that tells nothing of changes: one in a bucket. */
  readonly libraryPollSeconds: number;
  /** For objects; {@link dataFolder} unless it is set. */
  readonly store: Place;
  /** Where viewers are sent for stored media: nowhere, to the bucket, or to what serves the store to the public. */
  readonly mediaRedirect: 'off' | 'presigned' | { readonly baseUrl: string };
  /** The PostgreSQL database that several servers and workers share; absent: everything is in {@link dataFolder}. */
  readonly databaseUrl?: string;
  /** How people reach this server, without a slash at the end; absent: as the request says. */
  readonly publicUrl?: string;
  /** What whoever changes something must show; absent: nobody is asked. */
  readonly apiKey?: string;
  /** `eager`: encode everything in the background; `on-demand`: only what is asked for. */
  readonly encode: 'eager' | 'on-demand';
  readonly logLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';
  /** Encoded segments of library videos take no more than this; the least recently used ones make room. */
  readonly cacheBytes: number;
  /** Of one file that is added; absent: only the disk is the limit. */
  readonly maxUploadBytes?: number;
  /** New uploads are refused that would leave less than this on the disk. */
  readonly minFreeBytes: number;
  /** Whether addresses inside of private networks are fetched from: whoever may add videos then reaches into them. */
  readonly pullPrivate: 'refuse' | 'allow';
};

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
const ENCODE_MODES = ['eager', 'on-demand'] as const;
const PULL_PRIVATE = ['refuse', 'allow'] as const;
/** What is encoded there would be found as new videos, and encoded again. */
const OUTSIDE = 'expected a place outside of SLUICE_LIBRARY';
const UNIT_BYTES: Readonly<Record<string, number>> = {
  '': 1,
  K: 1024,
  M: 1024 ** 2,
  G: 1024 ** 3,
  T: 1024 ** 4,
};

const LIBRARY_POLL: Setting<number> = {
  schema: z
    .string()
    .regex(/^\d{1,5}$/)
    .transform(Number)
    .refine((seconds) => seconds >= 1 && seconds <= 86_400),
  expected: 'a whole number of seconds from 1 to 86400',
};

const MEDIA_REDIRECT: Setting<Config['mediaRedirect']> = {
  schema: z.union([z.enum(['off', 'presigned']), HTTP_URL.schema.transform((baseUrl) => ({ baseUrl }))]),
  expected: 'off, presigned, or the http:// or https:// address behind which the store is public',
};

const BYTES: Setting<number> = {
  schema: z
    .string()
    .regex(/^\d+[KMGT]?$/i)
    .transform(parseBytes)
    .refine(Number.isSafeInteger),
  expected: 'a number of bytes, with K, M, G or T behind it for powers of 1024',
};

const DATABASE: Setting<string> = {
  schema: z.string().refine((text) => /^postgres(ql)?:$/.test(URL.parse(text)?.protocol ?? '')),
  expected: 'the address of a PostgreSQL database, postgres://user:password@host/name',
  isSecret: true,
};

const SETTINGS = {
  SLUICE_HOST: {
    schema: z.string().regex(/^[A-Za-z0-9.:_%-]+$/),
    expected: 'an IP address or a host name, without a port',
  },
  SLUICE_PORT: {
    schema: z
      .string()
      .regex(/^\d{1,5}$/)
      .transform(Number)
      .refine((port) => port <= 65_535),
    expected: 'a whole number from 0 to 65535',
  },
  SLUICE_DATA: FOLDER,
  SLUICE_LIBRARY: PLACE,
  SLUICE_LIBRARY_POLL_SECONDS: LIBRARY_POLL,
  SLUICE_STORE: PLACE,
  SLUICE_S3_ADDRESSING: ADDRESSING,
  SLUICE_MEDIA_REDIRECT: MEDIA_REDIRECT,
  SLUICE_PUBLIC_URL: HTTP_URL,
  SLUICE_API_KEY: {
    // It travels in an HTTP header.
    schema: z.string().regex(/^[\x21-\x7e]{16,}$/),
    expected: 'at least 16 ASCII characters without spaces',
    isSecret: true,
  },
  SLUICE_ENCODE: { schema: z.enum(ENCODE_MODES), expected: `one of ${ENCODE_MODES.join(', ')}` },
  SLUICE_LOG_LEVEL: { schema: z.enum(LOG_LEVELS), expected: `one of ${LOG_LEVELS.join(', ')}` },
  SLUICE_CACHE_BYTES: BYTES,
  SLUICE_MAX_UPLOAD_BYTES: BYTES,
  SLUICE_MIN_FREE_BYTES: BYTES,
  SLUICE_PULL_PRIVATE: { schema: z.enum(PULL_PRIVATE), expected: `one of ${PULL_PRIVATE.join(', ')}` },
} satisfies Record<string, Setting<unknown>>;

/**
 * The configuration that `environment` asks for. A variable that is empty counts as not set. Throws one
 * `config_invalid` that names every variable which is unknown or malformed. Looks at no file and no folder.
 */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const problems: string[] = [];
  const read = reader(environment, problems);
  const placeOf = (name: PlaceName | undefined, defaultFolder: string): Place =>
    locate(name ?? { kind: 'folder', path: defaultFolder }, read, problems);
  read('SLUICE_S3_ADDRESSING', ADDRESSING);
  const port = read('SLUICE_PORT', SETTINGS.SLUICE_PORT);
  const dataFolder = read('SLUICE_DATA', SETTINGS.SLUICE_DATA) ?? resolve('data');
  const publicUrl = read('SLUICE_PUBLIC_URL', SETTINGS.SLUICE_PUBLIC_URL);
  const apiKey = read('SLUICE_API_KEY', SETTINGS.SLUICE_API_KEY);
  const databaseUrl = read('DATABASE_URL', DATABASE);
  const maxUploadBytes = read('SLUICE_MAX_UPLOAD_BYTES', SETTINGS.SLUICE_MAX_UPLOAD_BYTES);
  const config: Config = {
    host: read('SLUICE_HOST', SETTINGS.SLUICE_HOST) ?? '127.0.0.1',
    port: port ?? 8080,
    ...(port === undefined ? {} : { workerPort: port }),
    dataFolder,
    library: placeOf(read('SLUICE_LIBRARY', SETTINGS.SLUICE_LIBRARY), resolve('assets')),
    libraryPollSeconds: read('SLUICE_LIBRARY_POLL_SECONDS', SETTINGS.SLUICE_LIBRARY_POLL_SECONDS) ?? 60,
    store: placeOf(read('SLUICE_STORE', SETTINGS.SLUICE_STORE), dataFolder),
    mediaRedirect: read('SLUICE_MEDIA_REDIRECT', SETTINGS.SLUICE_MEDIA_REDIRECT) ?? 'off',
    ...(databaseUrl === undefined ? {} : { databaseUrl }),
    ...(publicUrl === undefined ? {} : { publicUrl }),
    ...(apiKey === undefined ? {} : { apiKey }),
    encode: read('SLUICE_ENCODE', SETTINGS.SLUICE_ENCODE) ?? 'eager',
    logLevel: read('SLUICE_LOG_LEVEL', SETTINGS.SLUICE_LOG_LEVEL) ?? 'info',
    cacheBytes: read('SLUICE_CACHE_BYTES', SETTINGS.SLUICE_CACHE_BYTES) ?? parseBytes('20G'),
    ...(maxUploadBytes === undefined ? {} : { maxUploadBytes }),
    minFreeBytes: read('SLUICE_MIN_FREE_BYTES', SETTINGS.SLUICE_MIN_FREE_BYTES) ?? parseBytes('1G'),
    pullPrivate: read('SLUICE_PULL_PRIVATE', SETTINGS.SLUICE_PULL_PRIVATE) ?? 'refuse',
  };
  const { library, store } = config;
  if (isPartOf(library, { kind: 'folder', path: dataFolder })) {
    problems.push(`SLUICE_DATA is ${JSON.stringify(dataFolder)}, ${OUTSIDE}`);
  } else if (isPartOf(library, store)) {
    problems.push(`SLUICE_STORE is ${JSON.stringify(environment['SLUICE_STORE'])}, ${OUTSIDE}`);
  }
  if (config.mediaRedirect === 'presigned' && store.kind === 'folder') {
    problems.push('SLUICE_MEDIA_REDIRECT is "presigned", expected SLUICE_STORE to be a bucket with it');
  }
  for (const name of Object.keys(environment)) {
    const isUnknown = name.startsWith('SLUICE_') && !Object.hasOwn(SETTINGS, name);
    if (isUnknown) problems.push(`${name} is unknown, expected one of ${Object.keys(SETTINGS).join(', ')}`);
  }
  if (problems.length > 0) throw new AppError('config_invalid', [...new Set(problems)].join('; '));
  return config;
}

/**
 * The folder or the bucket that `text` names, as `SLUICE_STORE` would, with the credentials that `environment` has.
 * Throws `config_invalid`, in which it is called `name`.
 */
export function readPlace(
  name: string,
  text: string,
  environment: Readonly<Record<string, string | undefined>>,
): Place {
  const problems: string[] = [];
  const read = reader({ ...environment, [name]: text }, problems);
  const found = read(name, PLACE);
  const place = found && locate(found, read, problems);
  if (place === undefined || problems.length > 0) throw new AppError('config_invalid', problems.join('; '));
  return place;
}

function reader(environment: Readonly<Record<string, string | undefined>>, problems: string[]): Read {
  return (name, setting) => {
    const text = environment[name];
    if (text === undefined || text === '') return undefined;
    const result = setting.schema.safeParse(text);
    if (result.success) return result.data;
    const was = setting.isSecret ? 'is malformed' : `is ${JSON.stringify(text)}`;
    problems.push(`${name} ${was}, expected ${setting.expected}`);
    return undefined;
  };
}

function locate(name: PlaceName, read: Read, problems: string[]): Place {
  return name.kind === 'folder' ? name : { kind: 'bucket', settings: bucketOf(name, read, problems) };
}

function parseBytes(text: string): number {
  const unit = text.toUpperCase().replace(/^\d+/, '');
  return Number.parseInt(text, 10) * (UNIT_BYTES[unit] ?? Number.NaN);
}
