/**
 * What the server and its child processes say to each other, over one socket: frames of a JSON header and
 * raw bytes. The server speaks first with a job; from then on the child asks and tells, until `done` or `failed`.
 */
import type { ContainerName } from '../containers/sniff.ts';
import type { ImageKind } from '../containers/sniff-image.ts';
import type { ErrorCode } from '../errors.ts';
import type { AudioEncoding, TrackEncoding, VideoEncoding } from '../media/plan.ts';
import type { SourceInfo } from '../media/source.ts';
import type { Storyboard } from '../media/storyboard.ts';

/** What a child needs to know to open a source. */
export type SourceHandle = { readonly bytes: number; readonly container: ContainerName };

/** Which picture of a video, and how large: `maxSide` is for its longer side, in pixels. */
export type WantedPicture =
  | { readonly kind: 'best'; readonly maxSide: number }
  /** Of the frame that is shown at this time of the presentation. */
  | { readonly kind: 'at'; readonly seconds: number; readonly maxSide: number }
  /** `startSeconds`: where in the presentation the source begins; 0 unless it is an excerpt. */
  | {
      readonly kind: 'sheet';
      readonly storyboard: Storyboard;
      readonly sheet: number;
      readonly startSeconds?: number;
    };

/** What a child can be asked to do. */
export type Job =
  | { readonly type: 'ping' }
  | { readonly type: 'inspect'; readonly source: SourceHandle }
  | { readonly type: 'init'; readonly info: SourceInfo; readonly encodings: readonly TrackEncoding[] }
  | {
      readonly type: 'encode-video';
      readonly source: SourceHandle;
      readonly info: SourceInfo;
      readonly encodings: readonly VideoEncoding[];
      readonly first: number;
      readonly end: number;
    }
  | {
      readonly type: 'encode-audio';
      readonly source: SourceHandle;
      readonly info: SourceInfo;
      readonly encodings: readonly AudioEncoding[];
      readonly first: number;
      readonly end: number;
    }
  | { readonly type: 'captions'; readonly source: SourceHandle; readonly info: SourceInfo }
  | {
      readonly type: 'picture';
      readonly source: SourceHandle;
      readonly info: SourceInfo;
      readonly wanted: WantedPicture;
    }
  | {
      readonly type: 'still';
      readonly bytes: number;
      readonly kind: ImageKind;
      readonly maxSide: number;
    };

/** Server to child. */
export type Request =
  | { readonly type: 'job'; readonly job: Job }
  /** The answer to `read`: the bytes follow. */
  | { readonly type: 'bytes' }
  | { readonly type: 'read-failed'; readonly code: ErrorCode; readonly message: string }
  /** The answer to `segment`. */
  | { readonly type: 'next' }
  /** Stop using the processor until `resume`. At any time, and unanswered. */
  | { readonly type: 'pause' | 'resume' };

/** Child to server. Everything in it is hostile: see protocol-schema.ts. */
export type Report =
  | { readonly type: 'read'; readonly offset: number; readonly length: number }
  | { readonly type: 'info'; readonly info: SourceInfo }
  /** The bytes follow. */
  | { readonly type: 'init'; readonly trackId: string }
  | { readonly type: 'segment'; readonly trackId: string; readonly index: number }
  | { readonly type: 'captions'; readonly streamIndex: number }
  | { readonly type: 'picture' }
  | { readonly type: 'done' }
  | { readonly type: 'failed'; readonly code: ErrorCode; readonly message: string };

/** No header and no payload is larger; a child that says so has been taken over. */
const MAX_HEADER_BYTES = 4 * 1024 * 1024;
const MAX_PAYLOAD_BYTES = 512 * 1024 * 1024;
const PREFIX_BYTES = 8;

/** One message as it came over the socket: its header parsed as JSON, not checked. */
export type Frame = { readonly header: unknown; readonly payload: Uint8Array };

const EMPTY = new Uint8Array(0);

/** The chunks to write, in order: a prefix with the header, then the payload as it is (not copied). */
export function encodeFrame(header: Request | Report, payload: Uint8Array = EMPTY): readonly Uint8Array[] {
  const json = new TextEncoder().encode(JSON.stringify(header));
  const head = new Uint8Array(PREFIX_BYTES + json.length);
  const view = new DataView(head.buffer);
  view.setUint32(0, json.length);
  view.setUint32(4, payload.length);
  head.set(json, PREFIX_BYTES);
  return payload.length === 0 ? [head] : [head, payload];
}

/** Cuts what arrives into frames. */
export class FrameReader {
  #chunks: Uint8Array[] = [];
  #bytes = 0;

  /** The frames that `chunk` completes. Throws a RangeError for a frame over the limits. */
  push(chunk: Uint8Array): Frame[] {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    const frames: Frame[] = [];
    for (let frame = this.#next(); frame !== undefined; frame = this.#next()) frames.push(frame);
    return frames;
  }

  #next(): Frame | undefined {
    if (this.#bytes < PREFIX_BYTES) return undefined;
    this.#gather(PREFIX_BYTES);
    const first = this.#chunks[0]!;
    const view = new DataView(first.buffer, first.byteOffset, first.byteLength);
    const headerBytes = view.getUint32(0);
    const payloadBytes = view.getUint32(4);
    if (headerBytes > MAX_HEADER_BYTES || payloadBytes > MAX_PAYLOAD_BYTES) {
      throw new RangeError(`a frame of ${headerBytes} and ${payloadBytes} bytes`);
    }
    const total = PREFIX_BYTES + headerBytes + payloadBytes;
    if (this.#bytes < total) return undefined;
    this.#gather(total);
    const whole = this.#chunks[0]!;
    const rest = whole.subarray(total);
    this.#chunks[0] = rest;
    if (rest.length === 0) this.#chunks.shift();
    this.#bytes -= total;
    const header: unknown = JSON.parse(
      new TextDecoder().decode(whole.subarray(PREFIX_BYTES, PREFIX_BYTES + headerBytes)),
    );
    return { header, payload: whole.subarray(PREFIX_BYTES + headerBytes, total) };
  }

  /** Joins chunks until the first holds `length` bytes: each byte is copied at most twice. */
  #gather(length: number): void {
    if (this.#chunks[0]!.length >= length) return;
    const whole = new Uint8Array(this.#bytes);
    let offset = 0;
    for (const chunk of this.#chunks) {
      whole.set(chunk, offset);
      offset += chunk.length;
    }
    this.#chunks = [whole];
  }
}
