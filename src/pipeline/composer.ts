/** Puts files together from stored media: looks once into every segment's head, and remembers what lies where. */
import { LRUCache } from 'lru-cache';
import PQueue from 'p-queue';
import { segmentHeadBytes } from '../containers/isobmff/segment-head.ts';
import type { Composed, MediaHead, StoredMedia } from '../formats/format.ts';
import { type Layout, type OpenMedia, composedResource, layOut } from './composed-resource.ts';
import { withPatience } from './patience.ts';
import type { Resource } from './resource.ts';

/** The layout of a film of two hours takes four megabytes. */
const KEPT_BYTES = 64 * 1024 * 1024;
/** Layouts being made at a time; each reads so many heads at once, for stores that are far away. */
const CONCURRENCY = 2;
const HEADS_AT_ONCE = 16;
/** Longer than any store takes that answers at all. */
const LONGEST_MS = 600_000;
/** Holds the tables of a usual segment: one read is enough. */
const FIRST_READ_BYTES = 4096;

/** One file of one video. */
export type ComposedFile = {
  /** What its layout is remembered by. */
  readonly key: string;
  /** What its bytes follow from: see {@link layOut}. */
  readonly identity: string;
  readonly fileName: string;
  readonly openMedia: OpenMedia;
};

/** The composed files of a server. */
export class Composer {
  readonly #layouts = new LRUCache<string, Layout>({
    maxSize: KEPT_BYTES,
    sizeCalculation: ({ heldBytes }) => heldBytes,
  });
  readonly #making = new Map<string, Promise<Layout>>();
  readonly #queue = new PQueue({ concurrency: CONCURRENCY });

  /** Whether the file can be read without looking into its segments first. */
  isKnown(key: string): boolean {
    return this.#layouts.has(key);
  }

  /** Throws `unavailable` where looking into the segments takes long: then it goes on, and asking again helps. */
  async resource(composed: Composed, file: ComposedFile): Promise<Resource> {
    const layout =
      this.#layouts.get(file.key) ??
      (await withPatience(
        this.#layout(composed, file),
        'the file is being put together: ask again in a moment',
      ));
    return composedResource(layout, file.openMedia, {
      mediaType: composed.mediaType,
      fileName: file.fileName,
    });
  }

  /** Made once for all who want it; whoever goes away does not end it for the others. */
  #layout(composed: Composed, file: ComposedFile): Promise<Layout> {
    const { key } = file;
    const making =
      this.#making.get(key) ??
      this.#queue
        .add(() => compose(composed, file))
        .then((layout) => {
          this.#layouts.set(key, layout);
          return layout;
        })
        .finally(() => this.#making.delete(key));
    this.#making.set(key, making);
    return making;
  }
}

async function compose(composed: Composed, { identity, openMedia }: ComposedFile): Promise<Layout> {
  const signal = AbortSignal.timeout(LONGEST_MS);
  const composition = composed.begin();
  for await (const head of inOrder(composed.inputs, (input) => readHead(openMedia, input, signal))) {
    composition.add(head);
  }
  return layOut(composition.pieces(), identity);
}

/** What `work` gives for each item, in their order, with a few under way at a time. */
async function* inOrder<T, U>(items: readonly T[], work: (item: T) => Promise<U>): AsyncGenerator<U> {
  const underWay: Promise<U>[] = [];
  for (const item of items) {
    const promise = work(item);
    // It is awaited in its turn; until then nobody listens.
    promise.catch(() => undefined);
    underWay.push(promise);
    if (underWay.length >= HEADS_AT_ONCE) yield await underWay.shift()!;
  }
  for (const promise of underWay) yield await promise;
}

async function readHead(openMedia: OpenMedia, input: StoredMedia, signal: AbortSignal): Promise<MediaHead> {
  const front = input.index === 'init' ? { start: 0 } : { start: 0, end: FIRST_READ_BYTES - 1 };
  const resource = await openMedia(input, signal, front);
  const totalBytes = resource.bytes;
  if (input.index === 'init') return { bytes: await readFront(resource, totalBytes, signal), totalBytes };
  for (let wanted = Math.min(FIRST_READ_BYTES, totalBytes); ; ) {
    const bytes = await readFront(resource, wanted, signal);
    wanted = segmentHeadBytes(bytes, totalBytes);
    if (wanted <= bytes.length) return { bytes: bytes.subarray(0, wanted), totalBytes };
  }
}

async function readFront(resource: Resource, bytes: number, signal: AbortSignal): Promise<Uint8Array> {
  const stream = await resource.open({ start: 0, end: bytes - 1 }, signal);
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
