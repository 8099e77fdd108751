/** How fast something grows, and how long the rest takes. Pure. */

/** Long enough to even out the bursts of a socket, short enough to notice that the Wi-Fi got worse. */
const WINDOW_MS = 8000;
/** What is shorter says more of the socket's buffer than of the network. */
const LEAST_MS = 400;

export type SpeedMeter = {
  /** Takes note of how much there is by now. */
  add(nowMs: number, bytes: number): void;
  /** Undefined until there is something to tell. */
  bytesPerSecond(): number | undefined;
};

/** Measures over the last seconds. */
export function createSpeedMeter(): SpeedMeter {
  let samples: { nowMs: number; bytes: number }[] = [];
  return {
    add(nowMs, bytes) {
      const last = samples.at(-1);
      // Fewer bytes than before: it was begun anew, and what was before says nothing.
      if (last !== undefined && bytes < last.bytes) samples = [];
      samples.push({ nowMs, bytes });
      while (samples.length > 2 && nowMs - samples[0]!.nowMs > WINDOW_MS) samples.shift();
    },
    bytesPerSecond() {
      const [first, last] = [samples[0], samples.at(-1)];
      if (first === undefined || last === undefined || last.nowMs - first.nowMs < LEAST_MS) return undefined;
      return ((last.bytes - first.bytes) / (last.nowMs - first.nowMs)) * 1000;
    },
  };
}
