/** Reading keyframes alone: the cheapest pictures that can be had of a video. */
import { AV_NOPTS_VALUE, AVERROR_EOF } from 'node-av/constants';
import { type CodecContext, Frame, Packet } from 'node-av/lib';
import type { SourceVideo } from '../../media/source.ts';
import { toNumber } from '../../media/time.ts';
import { decodeFrom, openDecoder, seekStream } from './decode.ts';
import type { OpenSource } from './source.ts';
import { rewind, seekTo } from './timestamps.ts';

/** A keyframe should be found at once; so many packets after a seek there is none worth looking for. */
const MAX_PACKETS = 5000;

/** Keyframes of one track, one after the other, with one decoder. */
export class KeyframeReader implements Disposable {
  readonly #source: OpenSource;
  readonly #video: SourceVideo;
  readonly #decoder: CodecContext;
  readonly #packet = new Packet();
  readonly #frame = new Frame();

  constructor(source: OpenSource, video: SourceVideo) {
    this.#source = source;
    this.#video = video;
    // One frame at a time: more threads would have nothing to do.
    this.#decoder = openDecoder(source, video.streamIndex, 1);
    this.#packet.alloc();
    this.#frame.alloc();
  }

  /**
   * The last keyframe at or before `ticks`, or a later one where the container knows no better; `pts` in ticks of the
   * track. Valid until the next call. Undefined where none decodes by itself.
   */
  async at(ticks: number): Promise<Frame | undefined> {
    const { span, source } = { span: this.#video, source: this.#source };
    await source.pause();
    // Two fields may be two packets: only a decoder that reads on knows what belongs together.
    if (span.isInterlaced) return this.#firstDecoded(ticks);
    source.readAll();
    const seconds = ticks * toNumber(span.timeBase);
    const isFirst = ticks <= span.startTicks;
    const stream = seekStream(source, span);
    if (isFirst || !(await seekTo(source, seconds, stream))) await rewind(source, seconds, stream);
    source.readOnly([span.streamIndex]);
    if (!(await this.#readKeyframe())) return undefined;
    this.#frame.unref();
    this.#decoder.flushBuffers();
    this.#decoder.sendPacketSync(this.#packet);
    // Nothing follows: whatever was held back to be put in order comes out now.
    this.#decoder.sendPacketSync(null);
    const pts = this.#packet.pts;
    this.#packet.unref();
    if (this.#decoder.receiveFrameSync(this.#frame) < 0) return undefined;
    if (this.#frame.pts === AV_NOPTS_VALUE) this.#frame.pts = pts;
    return this.#frame;
  }

  async #readKeyframe(): Promise<boolean> {
    for (let count = 0; count < MAX_PACKETS; count++) {
      const result = await this.#source.readFrame(this.#packet);
      this.#source.throwIfReadFailed();
      if (result === AVERROR_EOF) return false;
      if (result < 0) continue;
      const { streamIndex, isKeyframe } = this.#packet;
      // AVI has decode times only.
      if (this.#packet.pts === AV_NOPTS_VALUE) this.#packet.pts = this.#packet.dts;
      const isTimed = this.#packet.pts !== AV_NOPTS_VALUE;
      if (streamIndex === this.#video.streamIndex && isKeyframe && isTimed) return true;
      this.#packet.unref();
    }
    return false;
  }

  async #firstDecoded(ticks: number): Promise<Frame | undefined> {
    for await (const frame of decodeFrom(this.#source, { span: this.#video, fromTicks: ticks })) {
      this.#frame.unref();
      this.#frame.ref(frame);
      return this.#frame;
    }
    return undefined;
  }

  [Symbol.dispose](): void {
    this.#packet.free();
    this.#frame.free();
    this.#decoder.freeContext();
  }
}
