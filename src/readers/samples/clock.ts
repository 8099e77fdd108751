/** `ticks` of a clock that begins anew after `wrapTicks`, where they lie nearest to `expected`; absent: it never does. */
export function unwrappedTicks(ticks: number, expected: number, wrapTicks: number | undefined): number {
  if (wrapTicks === undefined) return ticks;
  return ticks - Math.round((ticks - expected) / wrapTicks) * wrapTicks;
}
