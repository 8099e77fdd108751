/** Cuts what arrives into parts of one size: one is being stored while the next one is being collected. */

/** Less than this is not worth a piece of memory of its own. */
const LEAST_BYTES = 64 * 1024;

/** Memory: two parts. */
export class PartCollector {
  readonly #partBytes: number;
  readonly #store: (part: Uint8Array) => Promise<void>;
  #part = new Uint8Array(0);
  #filled = 0;
  #storing: Promise<void> = Promise.resolve();

  /** `store` is called with one full part after the other, never with two at a time. */
  constructor(partBytes: number, store: (part: Uint8Array) => Promise<void>) {
    this.#partBytes = partBytes;
    this.#store = store;
  }

  /** Rejects with the error of `store`, of this part or of the one before. */
  async add(bytes: Uint8Array): Promise<void> {
    let left = bytes;
    while (left.length > 0) {
      const taken = left.subarray(0, this.#partBytes - this.#filled);
      this.#makeRoom(this.#filled + taken.length);
      this.#part.set(taken, this.#filled);
      this.#filled += taken.length;
      left = left.subarray(taken.length);
      if (this.#filled === this.#partBytes) await this.#storePart();
    }
  }

  /** What is left over, once every full part is stored: less than one part. */
  async rest(): Promise<Uint8Array> {
    await this.#storing;
    return this.#part.subarray(0, this.#filled);
  }

  /** Resolves when nothing is being stored any more, whatever came of it. */
  async settled(): Promise<void> {
    await this.#storing.catch(() => {});
  }

  async #storePart(): Promise<void> {
    await this.#storing;
    const part = this.#part;
    this.#part = new Uint8Array(0);
    this.#filled = 0;
    this.#storing = this.#store(part);
    // Whoever awaits it next is told; until then it is not "unhandled".
    this.#storing.catch(() => {});
  }

  /** Grows as it fills: most objects are far smaller than a part. */
  #makeRoom(bytes: number): void {
    if (bytes <= this.#part.length) return;
    const size = Math.min(this.#partBytes, Math.max(bytes, 2 * this.#part.length, LEAST_BYTES));
    const larger = new Uint8Array(size);
    larger.set(this.#part.subarray(0, this.#filled));
    this.#part = larger;
  }
}
