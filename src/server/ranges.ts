/** Byte ranges of HTTP. */
import type { ByteRange } from '../media/byte-range.ts';

/** Byte offsets, both inclusive, as in `Content-Range`. */
export type ByteSpan = { readonly start: number; readonly end: number };

/** What to send: everything, these spans (in this order), or 416. */
export type RangeAnswer =
  | { readonly kind: 'whole' }
  | { readonly kind: 'partial'; readonly spans: readonly [ByteSpan, ...ByteSpan[]] }
  | { readonly kind: 'unsatisfiable' };

const WHOLE: RangeAnswer = { kind: 'whole' };

/** More than any player or download program asks for at once. */
const MAX_RANGES = 16;

/**
 * What a `Range` header field asks for of a representation of `bytes` bytes, in the order asked for.
 *
 * A field that is malformed or in another unit than bytes is ignored, as RFC 9110 14.2 says. So is one that
 * only costs us: more than 16 ranges, or ranges that together are longer than the whole (RFC 9110 17.15).
 */
export function resolveRanges(header: string | undefined, bytes: number): RangeAnswer {
  const specs = header === undefined ? undefined : parseRangeSet(header);
  if (specs === undefined || specs.length > MAX_RANGES) return WHOLE;
  // A suffix of nothing is satisfiable (RFC 9110 14.1.2), but no Content-Range can say so.
  if (bytes === 0 && specs.some((spec) => spec.kind === 'suffix' && spec.length > 0)) return WHOLE;

  const [first, ...rest] = specs.map((spec) => locate(spec, bytes)).filter((span) => span !== undefined);
  if (first === undefined) return { kind: 'unsatisfiable' };
  const spans = [first, ...rest] as const;
  const total = spans.reduce((sum, span) => sum + spanBytes(span), 0);
  return spans.length > 1 && total > bytes ? WHOLE : { kind: 'partial', spans };
}

/**
 * What {@link resolveRanges} will find, as far as it can be said without knowing the length: all bytes, or one range
 * counted from the front. Undefined for anything else.
 */
export function plainRange(header: string | undefined): ByteRange | undefined {
  const specs = header === undefined ? undefined : parseRangeSet(header);
  if (specs === undefined) return { start: 0 };
  const [spec, ...others] = specs;
  if (spec?.kind !== 'from' || others.length > 0 || !Number.isSafeInteger(spec.first)) return undefined;
  return Number.isSafeInteger(spec.last) ? { start: spec.first, end: spec.last } : { start: spec.first };
}

/** How many bytes a span covers. */
export function spanBytes(span: ByteSpan): number {
  return span.end - span.start + 1;
}

/** The value of `Content-Range` for one span of a representation of `bytes` bytes (RFC 9110 14.4). */
export function contentRange(span: ByteSpan, bytes: number): string {
  return `bytes ${span.start}-${span.end}/${bytes}`;
}

type RangeSpec =
  | { readonly kind: 'from'; readonly first: number; readonly last: number }
  | { readonly kind: 'suffix'; readonly length: number };

/** RFC 9110 14.1.1; undefined where the grammar is broken. Numbers too large for an integer end up beyond any end. */
function parseRangeSet(header: string): readonly RangeSpec[] | undefined {
  const set = /^bytes=(.*)$/i.exec(header)?.[1];
  if (set === undefined) return undefined;
  // RFC 9110 5.6.1.2: a list may have empty elements, and white space around the commas.
  const items = set
    .split(',')
    .map((item) => item.replace(/^[ \t]+|[ \t]+$/g, ''))
    .filter((item) => item !== '');
  const specs = items.map(parseRangeSpec).filter((spec) => spec !== undefined);
  return specs.length === 0 || specs.length < items.length ? undefined : specs;
}

function parseRangeSpec(text: string): RangeSpec | undefined {
  const [, first = '', last = ''] = /^(\d*)-(\d*)$/.exec(text) ?? [];
  if (first === '') return last === '' ? undefined : { kind: 'suffix', length: Number(last) };
  const spec = { kind: 'from', first: Number(first), last: last === '' ? Infinity : Number(last) } as const;
  return spec.last < spec.first ? undefined : spec;
}

function locate(spec: RangeSpec, bytes: number): ByteSpan | undefined {
  const start = spec.kind === 'from' ? spec.first : Math.max(0, bytes - spec.length);
  const end = spec.kind === 'from' ? Math.min(spec.last, bytes - 1) : bytes - 1;
  return start < bytes && start <= end ? { start, end } : undefined;
}
