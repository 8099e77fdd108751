/** The uploads as the page shows them. */
import { computed, signal } from '@preact/signals';

/**
 * `waiting` for its turn, `sending`, `interrupted` (the connection broke, it is tried again by itself), `paused`,
 * `left` (from before a reload: the file has to be chosen again), `failed`, `done`.
 */
export type UploadState = 'waiting' | 'sending' | 'interrupted' | 'paused' | 'left' | 'failed' | 'done';

export type UploadItem = {
  /** The file's fingerprint: the same file is never here twice. */
  readonly id: string;
  readonly name: string;
  readonly bytes: number;
  readonly state: UploadState;
  readonly sentBytes: number;
  readonly bytesPerSecond?: number | undefined;
  /** Known once the server has taken the upload on. */
  readonly videoId?: string | undefined;
  /** Why it failed, or is interrupted. */
  readonly message?: string | undefined;
  /** It failed for a reason that may pass. */
  readonly canRetry?: boolean;
};

/** In the order in which they were added. */
export const uploads = signal<readonly UploadItem[]>([]);

/** By video, for its card in the library. */
export const uploadOfVideo = computed(
  () => new Map(uploads.value.flatMap((item) => (item.videoId === undefined ? [] : [[item.videoId, item]]))),
);

/** What has happened, in a sentence for screen readers. */
export const announcement = signal('');

export function findUpload(id: string): UploadItem | undefined {
  return uploads.peek().find((item) => item.id === id);
}

/** Adds an upload, or puts it in the place of the one with the same id. */
export function putUpload(item: UploadItem): void {
  const known = uploads.peek();
  uploads.value = known.some(({ id }) => id === item.id)
    ? known.map((each) => (each.id === item.id ? item : each))
    : [...known, item];
}

/** Does nothing where it has been removed meanwhile. */
export function changeUpload(id: string, change: Partial<UploadItem>): void {
  uploads.value = uploads.peek().map((item) => (item.id === id ? { ...item, ...change } : item));
}

export function removeUpload(id: string): void {
  uploads.value = uploads.peek().filter((item) => item.id !== id);
}

/** Whether bytes are moving, or will by themselves. */
export function isUnderWay({ state }: UploadItem): boolean {
  return state === 'waiting' || state === 'sending' || state === 'interrupted';
}
