/** What tests ask of the player on a page. */
import type { Page } from 'playwright-core';
import type { PlayerDebug, SluicePlayer } from '../../web/player/element.ts';

export type PlayerView = PlayerDebug & {
  readonly seconds: number;
  readonly paused: boolean;
  readonly ended: boolean;
  readonly muted: boolean;
  readonly volume: number;
  readonly rate: number;
  readonly duration: number;
  readonly pictureHeight: number;
  readonly bufferedTo: number;
};

/** A snapshot of the player and of its media element. */
export function playerOf(page: Page): Promise<PlayerView> {
  return page.evaluate(() => {
    const player = document.querySelector<HTMLElement>('sluice-player') as unknown as SluicePlayer;
    const { media } = player;
    const { buffered } = media;
    return {
      ...player.debug,
      seconds: media.currentTime,
      paused: media.paused,
      ended: media.ended,
      muted: media.muted,
      volume: media.volume,
      rate: media.playbackRate,
      duration: media.duration,
      pictureHeight: media.videoHeight,
      bufferedTo: buffered.length > 0 ? buffered.end(buffered.length - 1) : 0,
    };
  });
}

/** Waits until the player is as `isSo` says; the last view is in the error if it never is. */
export async function untilPlayer(
  page: Page,
  isSo: (player: PlayerView) => boolean,
  timeoutMs = 20_000,
): Promise<PlayerView> {
  await page.waitForFunction(() => customElements.get('sluice-player') !== undefined);
  await page.waitForSelector('sluice-player');
  const end = Date.now() + timeoutMs;
  for (;;) {
    const player = await playerOf(page);
    if (isSo(player)) return player;
    if (Date.now() > end) throw new Error(`the player stayed at ${JSON.stringify(player)}`);
    await page.waitForTimeout(50);
  }
}

/** Opens one of the settings and chooses in it. */
export async function choose(
  page: Page,
  setting: 'quality' | 'sound' | 'captions' | 'speed' | 'format',
  label: string,
): Promise<void> {
  await page.getByTestId('settings').click();
  await page.locator(`[data-menu=${setting}]`).click();
  await page.getByTestId(`${setting}-menu`).getByText(label, { exact: true }).click();
}

/** The text of the captions that the browser shows just now. */
export function captionsOnScreen(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const { media } = document.querySelector<HTMLElement>('sluice-player') as unknown as SluicePlayer;
    return [...media.textTracks]
      .filter(({ mode }) => mode === 'showing')
      .flatMap(({ activeCues }) => [...(activeCues ?? [])])
      .map((cue) => (cue as VTTCue).text);
  });
}
