/** Server-sent events as a browser reads them: WHATWG HTML 9.2.6, as far as it goes for events of one kind of line. */
import assert from 'node:assert/strict';

export type ReadEvent = { readonly event: string; readonly id: string; readonly data: any };

export type EventReader = AsyncDisposable & {
  readonly headers: Headers;
  /** The next event; undefined when the stream has ended. Fails rather than hangs. */
  next(): Promise<ReadEvent | undefined>;
  /** The next event of this name, whatever comes before it. */
  until(name: string): Promise<ReadEvent>;
  readonly comments: readonly string[];
  readonly retries: readonly string[];
};

/** Connects; the answer must be a stream of events. */
export async function openEvents(url: string, patienceMs = 20_000): Promise<EventReader> {
  const controller = new AbortController();
  const response = await fetch(url, {
    signal: controller.signal,
    headers: { accept: 'text/event-stream', 'accept-encoding': 'br, gzip' },
  });
  assert.equal(response.status, 200);
  assert.ok(response.body);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  const comments: string[] = [];
  const retries: string[] = [];
  let text = '';

  async function block(endMs: number): Promise<string | undefined> {
    for (;;) {
      const end = text.indexOf('\n\n');
      if (end >= 0) {
        const found = text.slice(0, end);
        text = text.slice(end + 2);
        return found;
      }
      const { promise: late, reject } = Promise.withResolvers<never>();
      const fail = () => reject(new Error(`no event within ${patienceMs} ms`));
      // Comments come all the while, and are no event.
      const timer = setTimeout(fail, Math.max(0, endMs - performance.now()));
      const { done, value } = await Promise.race([reader.read(), late]).finally(() => clearTimeout(timer));
      if (done) return undefined;
      text += value;
    }
  }

  async function next(): Promise<ReadEvent | undefined> {
    const endMs = performance.now() + patienceMs;
    for (let found = await block(endMs); found !== undefined; found = await block(endMs)) {
      const fields = new Map(
        found.split('\n').map((line) => {
          const [, name = '', value = ''] = /^([^:]*): ?(.*)$/s.exec(line) ?? [];
          return [name, value];
        }),
      );
      if (fields.has('')) comments.push(fields.get('')!);
      if (fields.has('retry')) retries.push(fields.get('retry')!);
      const [event, id, data] = [fields.get('event'), fields.get('id'), fields.get('data')];
      if (event !== undefined && id !== undefined && data !== undefined) {
        return { event, id, data: JSON.parse(data) };
      }
    }
    return undefined;
  }

  return {
    headers: response.headers,
    next,
    async until(name) {
      for (let found = await next(); found !== undefined; found = await next()) {
        if (found.event === name) return found;
      }
      return assert.fail(`the stream ended without an event "${name}"`);
    },
    comments,
    retries,
    async [Symbol.asyncDispose]() {
      controller.abort();
    },
  };
}
