import { joinKey, type ObjectKey } from './object-key.ts';

/**
 * An extra power of some stores: addresses at which viewers fetch an object without us. It is passed in beside the
 * store, and whoever uses it also works without it.
 */
export type ReadUrls = {
  /** Where all of these addresses are: `https://host`. */
  readonly origin: string;
  /** An address is good for so long at least. */
  readonly validForSeconds: number;
  /** Whether the object is there, nobody asks. */
  urlOf(key: ObjectKey): Promise<string>;
};

/** Those of the objects below `prefix`, by their keys there. */
export function prefixUrls(urls: ReadUrls, prefix: ObjectKey): ReadUrls {
  return { ...urls, urlOf: (key) => urls.urlOf(joinKey(prefix, key)) };
}
