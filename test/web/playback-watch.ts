/** How it feels to watch: measured inside the page, from its first moment, whatever the test does meanwhile. */
import type { Page } from 'playwright-core';
import { readFrameNumber } from '../fixtures/picture.ts';
import type { SluicePlayer } from '../../web/player/element.ts';

export type Watched = {
  /** `sluicefailure` and media errors, in the player's words. */
  readonly failures: readonly string[];
  /**
   * The longest time that the media element was told to play and its time stood still. What passes before it is told
   * to, until the manifest is read, is not in it.
   */
  readonly longestStallMs: number;
  readonly bufferedRanges: readonly (readonly [start: number, end: number])[];
};

type WatchState = { failures: string[]; longestStallMs: number };

/** Begins to watch with the next document of the page. */
export async function watchPlayback(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const state: WatchState = { failures: [], longestStallMs: 0 };
    Object.assign(globalThis, { playbackWatch: state });
    // Written here and not beside it, because the browser gets this function alone.
    // oxlint-disable-next-line unicorn/consistent-function-scoping
    const player = () => document.querySelector<HTMLElement>('sluice-player') as SluicePlayer | null;
    // The player's events do not bubble, but they are captured on their way down.
    addEventListener(
      'sluicefailure',
      (event) => state.failures.push((event as CustomEvent<{ detail: string }>).detail.detail),
      { capture: true },
    );
    addEventListener(
      'error',
      (event) => {
        if (event.target !== player()) return;
        state.failures.push(`media error: ${player()?.media.error?.message}`);
      },
      { capture: true },
    );
    let seconds = Number.NaN;
    let advancedMs = performance.now();
    setInterval(() => {
      const media = player()?.media;
      if (!media || media.paused || media.ended || media.currentTime !== seconds) {
        advancedMs = performance.now();
      }
      seconds = media?.currentTime ?? Number.NaN;
      state.longestStallMs = Math.max(state.longestStallMs, performance.now() - advancedMs);
    }, 50);
  });
}

/** What was seen since the document began. */
export function watchedOn(page: Page): Promise<Watched> {
  return page.evaluate(() => {
    const { media } = document.querySelector<HTMLElement>('sluice-player') as SluicePlayer;
    const { buffered } = media;
    const { playbackWatch } = globalThis as unknown as { playbackWatch: WatchState };
    return {
      ...playbackWatch,
      bufferedRanges: Array.from(
        { length: buffered.length },
        (_, index) => [buffered.start(index), buffered.end(index)] as const,
      ),
    };
  });
}

/** Moves to `seconds` as the seek bar does. */
export async function seekTo(page: Page, seconds: number): Promise<void> {
  await page.evaluate((target) => {
    (document.querySelector<HTMLElement>('sluice-player') as SluicePlayer).media.currentTime = target;
  }, seconds);
}

/** Seconds of the video per second of the clock, over `ms`. */
export async function paceOver(page: Page, ms: number): Promise<number> {
  return page.evaluate(async (span) => {
    const { media } = document.querySelector<HTMLElement>('sluice-player') as SluicePlayer;
    const [seconds, startMs] = [media.currentTime, performance.now()];
    await new Promise((resolve) => setTimeout(resolve, span));
    return ((media.currentTime - seconds) * 1000) / (performance.now() - startMs);
  }, ms);
}

/** The next decoded picture of a test video: the number that it shows, and the time it is shown for. */
export async function nextPicture(
  page: Page,
): Promise<{ readonly number: number; readonly mediaTime: number }> {
  const [width, height] = [320, 180];
  const { luma, mediaTime } = await page.evaluate(
    ([canvasWidth, canvasHeight]) =>
      new Promise<{ luma: number[]; mediaTime: number }>((resolve) => {
        const { media } = document.querySelector<HTMLElement>('sluice-player') as SluicePlayer;
        media.requestVideoFrameCallback((_now, frame) => {
          const context = new OffscreenCanvas(canvasWidth, canvasHeight).getContext('2d');
          context?.drawImage(media, 0, 0, canvasWidth, canvasHeight);
          const pixels = context?.getImageData(0, 0, canvasWidth, canvasHeight).data ?? [];
          // Green is most of the luma, and black and white have the same in every channel.
          const green = Array.from(pixels).filter((_, index) => index % 4 === 1);
          resolve({ luma: green, mediaTime: frame.mediaTime });
        });
      }),
    [width, height] as const,
  );
  return { number: readFrameNumber(Uint8Array.from(luma), width, height), mediaTime };
}
