/** Which uploads are under way in other tabs: they are not to be offered here as left behind. */

const ANSWER_MS = 150;

type Message = { readonly type: 'who' } | { readonly type: 'mine'; readonly fingerprints: readonly string[] };

// oxlint-disable unicorn/require-post-message-target-origin -- A BroadcastChannel reaches this origin alone.

/** Tells other tabs that ask, from now on, what is under way here. */
export function answerOtherTabs(underWay: () => readonly string[]): void {
  const channel = new BroadcastChannel('sluice.uploads');
  channel.addEventListener('message', ({ data }: MessageEvent<Message>) => {
    if (data.type === 'who') channel.postMessage({ type: 'mine', fingerprints: underWay() });
  });
}

/** Asks the other tabs. */
export async function underWayElsewhere(): Promise<ReadonlySet<string>> {
  const channel = new BroadcastChannel('sluice.uploads');
  const found = new Set<string>();
  channel.addEventListener('message', ({ data }: MessageEvent<Message>) => {
    if (data.type === 'mine') for (const fingerprint of data.fingerprints) found.add(fingerprint);
  });
  channel.postMessage({ type: 'who' });
  await new Promise((resolve) => setTimeout(resolve, ANSWER_MS));
  channel.close();
  return found;
}
