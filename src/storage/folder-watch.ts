/**
 * An extra power of some stores: noticing changes without being asked. It is passed in beside the store, and
 * whoever uses it also works without it, only later.
 *
 * Calls `onChange` soon after something below the store's root changed, and from time to time for no reason:
 * "look again", not a list of what changed. Disposing the answer ends the calls.
 */
export type FolderWatch = (onChange: () => void) => Disposable;
