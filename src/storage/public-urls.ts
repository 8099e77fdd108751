import type { ReadUrls } from './read-urls.ts';

/** What was evicted from a store of limited size is not there any more: an hour is a compromise. */
const VALID_SECONDS = 60 * 60;

/** Objects as they lie behind `baseUrl` (a CDN, say), open to everybody: its path, then the key. */
export function publicUrls(baseUrl: string): ReadUrls {
  const base = baseUrl.replace(/\/+$/, '');
  return {
    origin: new URL(base).origin,
    validForSeconds: VALID_SECONDS,
    urlOf: async (key) => `${base}/${key.split('/').map(encodeURIComponent).join('/')}`,
  };
}
