/** Jobs in the order in which they are to be done. */
import type { Job, JobKind } from './job-queue.ts';

/** A job, which attempt at it is the next (1 for the first), and how often it was interrupted. */
export type WaitingJob = { readonly job: Job; readonly attempt: number; readonly interruptions: number };

/** Jobs of one video, kind and priority, the first one next. Never empty. */
type Group = Pick<Job, 'videoId' | 'kind' | 'priority'> & { readonly jobs: WaitingJob[] };

/** Highest priority first, then the videos in turn, then as they came. */
export class WaitingJobs {
  readonly #groups = new Map<string, Group>();
  /** The video with the lowest number is next. One that just had its turn, or came just now, is last. */
  readonly #turns = new Map<string, number>();
  #lastTurn = 0;

  add(waiting: WaitingJob): void {
    this.#groupFor(waiting.job).jobs.push(waiting);
  }

  /** Adds it before the others of its video, kind and priority: it was among the first before. */
  putBack(waiting: WaitingJob): void {
    this.#groupFor(waiting.job).jobs.unshift(waiting);
  }

  /** Removes the next one of `kinds` whose priority is at least `floor`; undefined if there is none. */
  take(kinds: readonly JobKind[], floor: number): WaitingJob | undefined {
    let best: Group | undefined;
    for (const group of this.#groups.values()) {
      if (group.priority < floor || !kinds.includes(group.kind)) continue;
      if (best === undefined || this.#isBefore(group, best)) best = group;
    }
    const next = best?.jobs.shift();
    if (best === undefined || next === undefined) return undefined;
    this.#turns.set(best.videoId, ++this.#lastTurn);
    if (best.jobs.length === 0) this.#remove(best);
    return next;
  }

  /** Removes those for which `isRemoved` says so, and returns them. */
  removeAll(isRemoved: (job: Job) => boolean): readonly Job[] {
    const removed: Job[] = [];
    for (const group of this.#groups.values()) {
      const jobs = group.jobs.splice(0);
      for (const waiting of jobs) {
        if (isRemoved(waiting.job)) removed.push(waiting.job);
        else group.jobs.push(waiting);
      }
      if (group.jobs.length === 0) this.#remove(group);
    }
    return removed;
  }

  /** How many wait, of one kind. */
  count(kind: JobKind): number {
    let count = 0;
    for (const group of this.#groups.values()) if (group.kind === kind) count += group.jobs.length;
    return count;
  }

  #isBefore(a: Group, b: Group): boolean {
    if (a.priority !== b.priority) return a.priority > b.priority;
    return this.#turns.get(a.videoId)! < this.#turns.get(b.videoId)!;
  }

  #groupFor({ videoId, kind, priority }: Job): Group {
    const key = keyOf({ videoId, kind, priority });
    const group = this.#groups.get(key) ?? { videoId, kind, priority, jobs: [] };
    this.#groups.set(key, group);
    if (!this.#turns.has(videoId)) this.#turns.set(videoId, ++this.#lastTurn);
    return group;
  }

  #remove(group: Group): void {
    this.#groups.delete(keyOf(group));
    for (const { videoId } of this.#groups.values()) if (videoId === group.videoId) return;
    this.#turns.delete(group.videoId);
  }
}

function keyOf({ videoId, kind, priority }: Omit<Group, 'jobs'>): string {
  return `${kind}/${priority}/${videoId}`;
}
