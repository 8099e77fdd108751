/** Many viewers at once, each on a connection of its own. */
import { Agent, get } from 'node:http';

/** What they were answered. */
export type Crowd = {
  /** Resolves once every request has left for its server. */
  readonly asked: Promise<unknown>;
  /** By the status of the answers: how many. Whoever is told to ask again later does so. */
  readonly answers: Promise<Readonly<Record<number, number>>>;
};

const RETRY_MS = 500;
const END_MS = 60_000;

/** Each of `urls` is asked for by one viewer. */
export function crowd(urls: readonly string[]): Crowd {
  const agent = new Agent({ keepAlive: true });
  const end = Date.now() + END_MS;
  const viewers = urls.map((url) => {
    const asked = Promise.withResolvers<void>();
    return { asked: asked.promise, status: watch(url, agent, asked.resolve, end) };
  });
  const count = async (): Promise<Record<number, number>> => {
    const counts: Record<number, number> = {};
    for (const { status } of viewers) counts[await status] = (counts[await status] ?? 0) + 1;
    return counts;
  };
  return {
    asked: Promise.all(viewers.map(({ asked }) => asked)),
    answers: count().finally(() => agent.destroy()),
  };
}

async function watch(url: string, agent: Agent, onAsked: () => void, end: number): Promise<number> {
  for (;;) {
    const status = await ask(url, agent, onAsked);
    if (status !== 503 || Date.now() > end) return status;
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

function ask(url: string, agent: Agent, onAsked: () => void): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent }, (answer) => {
      answer.resume();
      answer.once('end', () => resolve(answer.statusCode!));
      answer.once('error', reject);
    });
    request.once('finish', onAsked);
    request.once('error', reject);
  });
}
