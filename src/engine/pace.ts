/** Holds an encode for a while, without losing what is done: others are in a hurry. */
export class Pace {
  #isPaused = false;
  readonly #listeners = new Set<() => void>();

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** Takes effect within a frame or two. Again does nothing. */
  setPaused(isPaused: boolean): void {
    if (isPaused === this.#isPaused) return;
    this.#isPaused = isPaused;
    for (const listener of this.#listeners) listener();
  }

  /** Calls `listener` after each change, until what is returned is called. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
