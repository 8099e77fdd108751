/** The library as this page knows it: what was fetched, what was asked, what went wrong. */
import { batch, computed, signal as state } from '@preact/signals';
import { ApiError, listVideos, type Video } from '../api.ts';
import { mergeHead } from './merge.ts';

const PAGE_SIZE = 24;

/** What the viewer searches for. */
export const query = state('');
export type Arrival = { readonly receivedBytes: number; readonly totalBytes?: number };

/** Newest first; undefined until the first answer. */
export const videos = state<readonly Video[] | undefined>(undefined);
/** Why the last fetch failed; undefined after one that did not. */
export const failure = state<string | undefined>(undefined);
export const isLoadingMore = state(false);

/** Bytes that have arrived of videos that are being uploaded, from wherever. */
export const arrived = state<ReadonlyMap<string, Arrival>>(new Map());

const nextCursor = state<string | undefined>(undefined);
export const hasMore = computed(() => nextCursor.value !== undefined);

/** The query that `videos` answers: an answer to an older one must not be mixed in. */
let shownQuery: string | undefined;

/** Fetches the newest videos and puts them before those that are known. */
export async function refresh(signal: AbortSignal): Promise<void> {
  const q = query.peek();
  const page = await attempt(() => listVideos({ limit: PAGE_SIZE, q }, signal), signal);
  if (page === undefined || q !== query.peek()) return;
  const known = shownQuery === q ? (videos.peek() ?? []) : [];
  const merged = mergeHead(known, page);
  shownQuery = q;
  batch(() => {
    videos.value = merged.items;
    if (!merged.keepsCursor) nextCursor.value = page.nextCursor;
  });
}

/** Fetches the next page. Does nothing where there is none, or while one is under way. */
export async function loadMore(signal: AbortSignal): Promise<void> {
  const q = query.peek();
  const cursor = nextCursor.peek();
  if (cursor === undefined || isLoadingMore.peek()) return;
  isLoadingMore.value = true;
  const page = await attempt(() => listVideos({ limit: PAGE_SIZE, cursor, q }, signal), signal);
  isLoadingMore.value = false;
  if (page === undefined || q !== query.peek() || cursor !== nextCursor.peek()) return;
  const known = videos.peek() ?? [];
  const ids = new Set(known.map(({ id }) => id));
  batch(() => {
    videos.value = [...known, ...page.items.filter(({ id }) => !ids.has(id))];
    nextCursor.value = page.nextCursor;
  });
}

/** Takes in how a video is now. False where it is not in the list: then the list has to be asked for. */
export function replaceVideo(video: Video): boolean {
  const known = videos.peek();
  if (known === undefined || !known.some(({ id }) => id === video.id)) return false;
  videos.value = known.map((each) => (each.id === video.id ? video : each));
  return true;
}

/** Takes in how much of a video is encoded. */
export function setEncoded(id: string, encodedFraction: number): void {
  const video = videos.peek()?.find((each) => each.id === id);
  if (video !== undefined) replaceVideo({ ...video, encodedFraction });
}

/** Takes in how much of a video has arrived. */
export function setArrived(id: string, arrival: Arrival): void {
  arrived.value = new Map(arrived.peek()).set(id, arrival);
}

/** Takes a video off the list. */
export function dropVideo(id: string): void {
  const known = videos.peek();
  if (known?.some((video) => video.id === id)) videos.value = known.filter((video) => video.id !== id);
}

async function attempt<T>(fetchPage: () => Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  try {
    const page = await fetchPage();
    failure.value = undefined;
    return page;
  } catch (error) {
    if (!signal.aborted) failure.value = error instanceof ApiError ? error.message : String(error);
    return undefined;
  }
}
