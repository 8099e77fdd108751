import type { FolderWatch } from './folder-watch.ts';

/** For stores that tell nothing of changes: says "look again" each time `everyMs` have passed. */
export function poll(everyMs: number): FolderWatch {
  return (onChange) => {
    const timer = setInterval(onChange, everyMs).unref();
    return { [Symbol.dispose]: () => clearInterval(timer) };
  };
}
