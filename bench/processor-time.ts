import { readFileSync } from 'node:fs';

/** Linux counts in hundredths of a second for programs, whatever its own clock: proc(5), sysconf(_SC_CLK_TCK). */
const TICKS_PER_SECOND = 100;

/**
 * Seconds of processor time that a process (this one) and every child of it that has ended have used: user and system, all
 * threads. A child counts with its own ended children. Linux only.
 */
export function processorSeconds(pid: number | 'self' = 'self'): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name in parentheses may hold anything; utime, stime, cutime and cstime are fields 14 to 17.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / TICKS_PER_SECOND;
}

/** Processor seconds that `work` and its children use. */
export async function used(work: () => Promise<void>): Promise<number> {
  const before = processorSeconds();
  await work();
  return processorSeconds() - before;
}

/** The middle one, or the upper of the two. Throws for none. */
export function median(values: readonly number[]): number {
  const middle = values.toSorted((a, b) => a - b)[values.length >> 1];
  if (middle === undefined) throw new RangeError('the median of nothing');
  return middle;
}
