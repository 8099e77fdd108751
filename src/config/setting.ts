/** One variable of the environment. */
import { resolve } from 'node:path';
import { z } from 'zod';

/** What a variable may hold. */
export type Setting<T> = {
  /** From the text of the variable. */
  readonly schema: z.ZodType<T, string>;
  /** Ends the sentence "expected ...". */
  readonly expected: string;
  /** Its value is never repeated in a message. */
  readonly isSecret?: boolean;
};

/** Reads a variable; undefined where it is not set, or malformed, which is noted elsewhere. */
export type Read = <T>(name: string, setting: Setting<T>) => T | undefined;

export const FOLDER: Setting<string> = {
  schema: z
    .string()
    .refine((text) => !text.includes('\0') && !/^[a-z][a-z0-9+.-]+:\/\//i.test(text))
    .transform((text) => resolve(text)),
  expected: 'the path of a folder',
};

export const HTTP_URL: Setting<string> = {
  schema: z
    .string()
    .refine(isPlainUrl)
    .transform((text) => new URL(text).href.replace(/\/+$/, '')),
  expected: 'an http:// or https:// address without user name, query and fragment',
};

function isPlainUrl(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol) || !/^https?:\/\//i.test(text)) return false;
  return url.username === '' && url.password === '' && !/[?#\s]/.test(text);
}
