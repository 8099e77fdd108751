import { SNIFF_BYTES, sniffContainer } from '../containers/sniff.ts';
import { AppError } from '../errors.ts';

/** Tells from the first bytes of a file, as early as that can be told, that it is no media. */
export class MediaCheck {
  #head: Uint8Array = new Uint8Array(0);
  #isDecided = false;

  /** The next bytes of the file, from its start. Throws `source_not_media`. */
  add(bytes: Uint8Array): void {
    if (this.#isDecided) return;
    const head = new Uint8Array(Math.min(SNIFF_BYTES, this.#head.length + bytes.length));
    head.set(this.#head);
    head.set(bytes.subarray(0, head.length - this.#head.length), this.#head.length);
    this.#head = head;
    if (head.length === SNIFF_BYTES) this.end();
  }

  /** There is no more than what was added. Throws `source_not_media`. */
  end(): void {
    if (this.#isDecided) return;
    this.#isDecided = true;
    if (sniffContainer(this.#head) === undefined) {
      throw new AppError('source_not_media', 'the file is not a video of any kind that is known here');
    }
  }
}
