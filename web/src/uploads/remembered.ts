/**
 * Uploads that were begun and are not finished, kept in this browser so that they can go on after a reload. The
 * page may not keep the file itself: the viewer has to choose it again.
 */

const KEY = 'sluice.uploads';

export type Remembered = {
  /** Tells the same file when it is chosen again. */
  readonly fingerprint: string;
  readonly name: string;
  readonly bytes: number;
  /** Where the server takes the rest. */
  readonly uploadUrl: string;
  readonly videoId?: string;
};

/** What makes a file the same file: what can be known of it without reading it. */
export function fingerprintOf(file: File): string {
  return [file.name, file.size, file.lastModified].join('|');
}

/** Oldest first. */
export function rememberedUploads(): readonly Remembered[] {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(KEY) ?? '[]');
    return Array.isArray(stored) ? stored.filter(isRemembered) : [];
  } catch {
    return [];
  }
}

export function rememberUpload(upload: Remembered): void {
  write([...rememberedUploads().filter(({ fingerprint }) => fingerprint !== upload.fingerprint), upload]);
}

export function forgetUpload(fingerprint: string): void {
  write(rememberedUploads().filter((upload) => upload.fingerprint !== fingerprint));
}

function write(uploads: readonly Remembered[]): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(uploads));
  } catch {
    // Storage may be full or forbidden: then it cannot go on after a reload, but it goes on now.
  }
}

function isRemembered(value: unknown): value is Remembered {
  const { fingerprint, name, bytes, uploadUrl } = (value ?? {}) as Partial<Remembered>;
  return (
    typeof fingerprint === 'string' &&
    typeof name === 'string' &&
    typeof bytes === 'number' &&
    typeof uploadUrl === 'string'
  );
}
