/** Reads the bits of a NAL unit's payload. Reading past the end gives zeros: callers check `isExhausted`. */
export class BitReader {
  readonly #bytes: Uint8Array;
  #bit = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Whether more was read than there is. */
  get isExhausted(): boolean {
    return this.#bit > this.#bytes.length * 8;
  }

  /** `count` bits, at most 32, the most significant first. */
  bits(count: number): number {
    let value = 0;
    for (let i = 0; i < count; i++) {
      const byte = this.#bytes[this.#bit >>> 3] ?? 0;
      value = value * 2 + ((byte >>> (7 - (this.#bit & 7))) & 1);
      this.#bit++;
    }
    return value;
  }

  /** An unsigned Exp-Golomb number (ITU-T H.264 9.1). */
  unsignedExpGolomb(): number {
    let zeros = 0;
    while (zeros < 32 && !this.isExhausted && this.bits(1) === 0) zeros++;
    return 2 ** zeros - 1 + this.bits(zeros);
  }
}
