/** Asking again and again, but only while somebody looks. */

/**
 * Calls `task` every `intervalMs` while the page is visible, and at once when it becomes visible again. The
 * next wait starts when the call before has ended, so slow answers never pile up. Returns what stops it.
 */
export function pollWhileVisible(
  task: (signal: AbortSignal) => Promise<void>,
  intervalMs: number,
): () => void {
  const controller = new AbortController();
  const { signal } = controller;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let busy = false;

  const run = async () => {
    if (busy || document.hidden) return;
    clearTimeout(timer);
    busy = true;
    await task(signal).catch(() => undefined);
    busy = false;
    if (!signal.aborted) timer = setTimeout(run, intervalMs);
  };

  timer = setTimeout(run, intervalMs);
  document.addEventListener('visibilitychange', run, { signal });
  return () => {
    controller.abort();
    clearTimeout(timer);
  };
}
