/** News from the server as they happen (server-sent events), and by asking again and again where they do not come. */
import { pollWhileVisible } from './polling.ts';

/** How long to wait after a refusal; after a mere break the browser connects again by itself. */
const CONNECT_AGAIN_MS = 5000;

export type LiveOptions = {
  /** Where the stream of events is. */
  readonly path: string;
  /** What to do with the data of each kind of event. */
  readonly on: Readonly<Record<string, (data: never) => void>>;
  /** Asks for everything; called while there is no stream. */
  readonly poll: (signal: AbortSignal) => Promise<void>;
  readonly pollMs: number;
};

/**
 * Follows a stream of events until the returned function is called. The server tells at each connection how things
 * are, so nothing is missed. A hidden page lets go of its connection: a browser has six for a server, all tabs
 * together, and a stream takes one for as long as it lasts.
 */
export function followLive({ path, on, poll, pollMs }: LiveOptions): () => void {
  const lifetime = new AbortController();
  let source: EventSource | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let stopPolling: (() => void) | undefined;

  const fallBack = () => {
    stopPolling ??= pollWhileVisible(poll, pollMs);
  };
  const disconnect = () => {
    clearTimeout(timer);
    source?.close();
    source = undefined;
  };
  const connect = () => {
    disconnect();
    const stream = new EventSource(path);
    source = stream;
    stream.addEventListener('open', () => {
      stopPolling?.();
      stopPolling = undefined;
    });
    stream.addEventListener('error', () => {
      fallBack();
      if (stream.readyState === EventSource.CLOSED) timer = setTimeout(connect, CONNECT_AGAIN_MS);
    });
    for (const [name, handle] of Object.entries(on)) {
      stream.addEventListener(name, ({ data }: MessageEvent<string>) => handle(JSON.parse(data) as never));
    }
  };
  const onVisibility = () => (document.hidden ? disconnect() : connect());

  document.addEventListener('visibilitychange', onVisibility, { signal: lifetime.signal });
  if (!document.hidden) connect();
  return () => {
    lifetime.abort();
    disconnect();
    stopPolling?.();
  };
}
