/** `start` and `end` are byte offsets, both inclusive, as in HTTP; without `end`, to the last byte. */
export type ByteRange = { readonly start: number; readonly end?: number };
