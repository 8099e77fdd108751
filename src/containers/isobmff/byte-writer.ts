/** Writes big-endian numbers and nested boxes (ISO/IEC 14496-12 4.2) into one buffer. */
export class ByteWriter {
  #bytes: Uint8Array<ArrayBuffer>;
  #view: DataView;
  #offset = 0;

  /** With the exact final size as `capacity` there is one allocation and no copy. */
  constructor(capacity = 1024) {
    this.#bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** Bytes written so far. */
  get offset(): number {
    return this.#offset;
  }

  u8(value: number): void {
    this.#view.setUint8(this.#advance(1), value);
  }

  u16(value: number): void {
    this.#view.setUint16(this.#advance(2), value);
  }

  u24(value: number): void {
    this.u8(value >>> 16);
    this.u16(value & 0xffff);
  }

  u32(value: number): void {
    this.#view.setUint32(this.#advance(4), value);
  }

  i32(value: number): void {
    this.#view.setInt32(this.#advance(4), value);
  }

  u64(value: number): void {
    this.#view.setBigUint64(this.#advance(8), BigInt(value));
  }

  zeros(count: number): void {
    this.#advance(count);
  }

  bytes(data: Uint8Array): void {
    const at = this.#advance(data.length);
    this.#bytes.set(data, at);
  }

  /** One byte a character: four-character codes and names in ASCII. */
  ascii(text: string): void {
    for (let i = 0; i < text.length; i++) this.u8(text.charCodeAt(i));
  }

  /** A box whose size is filled in once `body` has written its content. */
  box(type: string, body: () => void): void {
    const start = this.#offset;
    this.u32(0);
    this.ascii(type);
    body();
    this.#view.setUint32(start, this.#offset - start);
  }

  /** A FullBox (4.2.2): a box with a version and 24 bits of flags. */
  fullBox(type: string, version: number, flags: number, body: () => void): void {
    this.box(type, () => {
      this.u8(version);
      this.u24(flags);
      body();
    });
  }

  finish(): Uint8Array<ArrayBuffer> {
    return this.#offset === this.#bytes.length ? this.#bytes : this.#bytes.slice(0, this.#offset);
  }

  #advance(count: number): number {
    const at = this.#offset;
    this.#offset += count;
    if (this.#offset > this.#bytes.length) this.#grow(this.#offset);
    return at;
  }

  #grow(needed: number): void {
    const larger = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    larger.set(this.#bytes);
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}
