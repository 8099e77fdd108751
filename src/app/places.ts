/** Where bytes live: in a folder or in a bucket, as the configuration says. */
import type { Config } from '../config.ts';
import { fileSystemStore, prepareFolder } from '../storage/file-system.ts';
import { fileSystemPartials } from '../storage/file-system-partial.ts';
import { watchFolder } from '../storage/file-system-watch.ts';
import type { FolderWatch } from '../storage/folder-watch.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { PartialObjects } from '../storage/partial-objects.ts';
import { poll } from '../storage/poll.ts';
import { publicUrls } from '../storage/public-urls.ts';
import { readOnlyStore } from '../storage/read-only.ts';
import type { ReadUrls } from '../storage/read-urls.ts';
import { s3Store } from '../storage/s3.ts';
import { checkBucket, s3Place } from '../storage/s3-client.ts';
import { s3Partials } from '../storage/s3-partial.ts';
import { presignedUrls } from '../storage/s3-urls.ts';

/** What Sluice writes to. */
export type Objects = Disposable & {
  readonly store: ObjectStore;
  readonly partials: PartialObjects;
  /** Where viewers are sent for media; absent: they get it from us. */
  readonly readUrls?: ReadUrls;
};

/** Opens `SLUICE_STORE`. Throws `object_store_failed` with a sentence that says what to mend. */
export async function openObjects({ store, mediaRedirect }: Config): Promise<Objects> {
  const cdn = typeof mediaRedirect === 'string' ? {} : { readUrls: publicUrls(mediaRedirect.baseUrl) };
  if (store.kind === 'folder') {
    await prepareFolder(store.path, Date.now());
    return {
      store: fileSystemStore(store.path),
      partials: fileSystemPartials(store.path),
      ...cdn,
      [Symbol.dispose]: () => {},
    };
  }
  const place = s3Place(store.settings);
  await checkBucket(place);
  const presigned = mediaRedirect === 'presigned' ? { readUrls: await presignedUrls(place, Date.now) } : {};
  return {
    store: s3Store(place),
    partials: s3Partials(place),
    ...presigned,
    ...cdn,
    [Symbol.dispose]: () => place[Symbol.dispose](),
  };
}

/** What lies in `SLUICE_LIBRARY`, never written to. One that is not there now may come later. */
export function openLibrary({ library, libraryPollSeconds }: Config): {
  readonly store: ObjectStore;
  readonly watch: FolderWatch;
} {
  if (library.kind === 'folder') {
    return { store: readOnlyStore(fileSystemStore(library.path)), watch: watchFolder(library.path) };
  }
  return {
    store: readOnlyStore(s3Store(s3Place(library.settings))),
    watch: poll(libraryPollSeconds * 1000),
  };
}
