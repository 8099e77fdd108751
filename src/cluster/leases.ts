/**
 * What only one process of a Sluice may do at a time. Which way they agree is chosen in app.ts. Every implementation
 * passes test/contracts/leases.contract.ts.
 */
/** Names that are held by one at a time. */
export type Leases = {
  /**
   * Runs `action` while this process holds `name`; undefined, and nothing is run, where it is held already, here or
   * elsewhere. `lost` fires when others may hold it now: `action` ends soon then. Throws what `action` throws, and
   * `unavailable`.
   */
  tryHold<T>(
    name: string,
    action: (lost: AbortSignal) => Promise<T>,
  ): Promise<{ readonly result: T } | undefined>;
};

/** For a Sluice of one process. */
export function embeddedLeases(): Leases {
  const held = new Set<string>();
  return {
    async tryHold(name, action) {
      if (held.has(name)) return undefined;
      held.add(name);
      try {
        return { result: await action(new AbortController().signal) };
      } finally {
        held.delete(name);
      }
    },
  };
}
