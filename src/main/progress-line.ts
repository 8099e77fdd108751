/** How far something is, for whoever started it. */
import type { WriteStream } from 'node:tty';

export type ProgressLine = {
  /** `part` from 0 to 1. */
  show(text: string, part: number): void;
  /** What follows begins on a line of its own. Again does nothing. */
  end(): void;
};

/** On a terminal one line that changes; elsewhere, such as in a log, a line for each tenth. */
export function progressLine(out: Pick<WriteStream, 'write' | 'isTTY'>): ProgressLine {
  let isOpen = false;
  let lastTenth = -1;
  return {
    show(text, part) {
      if (out.isTTY) {
        out.write(`\r\u001b[K${text}`);
        isOpen = true;
        return;
      }
      const tenth = Math.floor(part * 10);
      if (tenth !== lastTenth) out.write(`${text}\n`);
      lastTenth = tenth;
    },
    end() {
      if (isOpen) out.write('\n');
      isOpen = false;
    },
  };
}
