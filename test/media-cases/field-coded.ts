/**
 * H.264 whose pictures are single fields (PAFF), as television cameras write it: no free encoder does. Samples are not
 * compressed (I_PCM), so that it can be written in a few lines.
 */

const [PLAIN_SLICE, IDR_SLICE, SPS, PPS] = [1, 5, 7, 8];
/** A frame in so many starts anew. */
const GROUP = 12;
const MACROBLOCK = 16;
/** Clause 7.4.2.1.1. */
const [MAIN_PROFILE, LEVEL] = [77, 41];
/** Table 7-11: a macroblock of plain samples. */
const I_PCM = 25;
/** Table 7-6: all slices of the picture are I. */
const ALL_INTRA = 7;

/**
 * An Annex B stream of 4:2:0 frames whose lines are those of two fields, the top one first. The sides are multiples of 16
 * and 32.
 */
export function fieldCodedH264(frames: Uint8Array, width: number, height: number): Uint8Array {
  const frameBytes = (width * height * 3) / 2;
  const units = [unit(SPS, sequence(width, height)), unit(PPS, pictureParameters())];
  for (let index = 0; index < frames.length / frameBytes; index++) {
    const frame = frames.subarray(index * frameBytes, (index + 1) * frameBytes);
    for (const isBottom of [false, true]) {
      const isIdr = index % GROUP === 0 && !isBottom;
      const slice = fieldSlice(frame, width, height, { index, isBottom, isIdr });
      units.push(unit(isIdr ? IDR_SLICE : PLAIN_SLICE, slice));
    }
  }
  return Buffer.concat(units);
}

type Field = { readonly index: number; readonly isBottom: boolean; readonly isIdr: boolean };

/** Clause 7.3.2.1.1. */
function sequence(width: number, height: number): Uint8Array {
  const bits = new BitWriter();
  bits.fixed(8, MAIN_PROFILE).fixed(8, 0).fixed(8, LEVEL);
  bits.golomb(0); // seq_parameter_set_id
  bits.golomb(0); // frame_num has 4 bits
  bits.golomb(0).golomb(4); // pic_order_cnt_type 0, of 8 bits
  bits.golomb(1).fixed(1, 0); // one reference frame, no gaps
  bits.golomb(width / MACROBLOCK - 1).golomb(height / (2 * MACROBLOCK) - 1);
  bits.fixed(1, 0).fixed(1, 0).fixed(1, 1); // fields; none within macroblocks; direct_8x8_inference_flag
  bits.fixed(1, 0).fixed(1, 0); // no cropping, no VUI
  return bits.finish();
}

/** Clause 7.3.2.2. */
function pictureParameters(): Uint8Array {
  const bits = new BitWriter();
  bits.golomb(0).golomb(0).fixed(1, 0).fixed(1, 0); // ids; CAVLC; no order count of the other field
  bits.golomb(0).golomb(0).golomb(0).fixed(1, 0).fixed(2, 0); // one slice group, one reference, no weights
  bits.golomb(0).golomb(0).golomb(0); // quantizers: se(v) of 0 is ue(v) of 0
  bits.fixed(1, 1).fixed(1, 0).fixed(1, 0); // slices say how they are deblocked
  return bits.finish();
}

/** Clauses 7.3.3 to 7.3.5. */
function fieldSlice(frame: Uint8Array, width: number, height: number, field: Field): Uint8Array {
  const { index, isBottom, isIdr } = field;
  const inGroup = index % GROUP;
  const bits = new BitWriter();
  bits.golomb(0).golomb(ALL_INTRA).golomb(0);
  bits.fixed(4, inGroup % 16); // frame_num
  bits.fixed(1, 1).fixed(1, isBottom ? 1 : 0);
  if (isIdr) bits.golomb((index / GROUP) % 2);
  bits.fixed(8, 2 * inGroup + (isBottom ? 1 : 0)); // pic_order_cnt_lsb
  bits.fixed(isIdr ? 2 : 1, 0); // dec_ref_pic_marking
  bits.golomb(0).golomb(1); // quantizer as it is, no deblocking
  const planes = planesOf(frame, width, height);
  for (let y = 0; y < height / 2; y += MACROBLOCK) {
    for (let x = 0; x < width; x += MACROBLOCK) {
      bits.golomb(I_PCM).align();
      for (const { samples, stride, scale } of planes) {
        const size = MACROBLOCK / scale;
        for (let row = 0; row < size; row++) {
          const line = 2 * (y / scale + row) + (isBottom ? 1 : 0);
          const from = line * stride + x / scale;
          bits.bytes(samples.subarray(from, from + size));
        }
      }
    }
  }
  return bits.finish();
}

function planesOf(frame: Uint8Array, width: number, height: number) {
  const size = width * height;
  return [
    { samples: frame.subarray(0, size), stride: width, scale: 1 },
    { samples: frame.subarray(size, size * 1.25), stride: width / 2, scale: 2 },
    { samples: frame.subarray(size * 1.25), stride: width / 2, scale: 2 },
  ];
}

/** Annex B, with clause 7.4.1's emulation prevention. */
function unit(type: number, payload: Uint8Array): Uint8Array {
  const bytes = [0, 0, 0, 1, 0x20 | type];
  let zeros = 0;
  for (const byte of payload) {
    if (zeros >= 2 && byte <= 3) {
      bytes.push(3);
      zeros = 0;
    }
    bytes.push(byte);
    zeros = byte === 0 ? zeros + 1 : 0;
  }
  return Uint8Array.from(bytes);
}

class BitWriter {
  readonly #bytes: number[] = [];
  #free = 0;

  fixed(count: number, value: number): this {
    for (let bit = count - 1; bit >= 0; bit--) {
      if (this.#free === 0) {
        this.#bytes.push(0);
        this.#free = 8;
      }
      this.#free--;
      this.#bytes[this.#bytes.length - 1]! |= ((value >> bit) & 1) << this.#free;
    }
    return this;
  }

  /** Clause 9.1: ue(v). */
  golomb(value: number): this {
    const length = 32 - Math.clz32(value + 1);
    return this.fixed(length - 1, 0).fixed(length, value + 1);
  }

  align(): this {
    this.#free = 0;
    return this;
  }

  /** Whole bytes, at an aligned place. */
  bytes(bytes: Uint8Array): this {
    this.#bytes.push(...bytes);
    return this;
  }

  /** With the stop bit of clause 7.3.2.11. */
  finish(): Uint8Array {
    return Uint8Array.from(this.fixed(1, 1).#bytes);
  }
}
