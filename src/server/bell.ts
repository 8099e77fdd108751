/** Wakes one sleeper. A ring while nobody sleeps is not lost: the next sleep ends at once. */
export class Bell {
  #rung = Promise.withResolvers<void>();

  ring(): void {
    this.#rung.resolve();
  }

  /** Resolves after a ring, and no later than after `milliseconds` where they are given. */
  async sleep(milliseconds?: number): Promise<void> {
    const timer = milliseconds === undefined ? undefined : setTimeout(() => this.ring(), milliseconds);
    await this.#rung.promise;
    clearTimeout(timer);
    this.#rung = Promise.withResolvers();
  }
}
