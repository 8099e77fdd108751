import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import type MediaTimeRange from 'media-chrome/dist/media-time-range.js';
import type { Page } from 'playwright-core';
import { startOtherSite } from './other-site.ts';
import { choose, playerOf, untilPlayer } from './player-page.ts';
import { type Site, skip, startSite } from './site.ts';
import { STREAM_SECONDS } from './streams.ts';
import { makeVideo, soundOnly, uninspected, without } from './videos.ts';

describe('player', { skip }, () => {
  let site: Site;
  before(async () => {
    site = await startSite();
  });
  after(() => site.close());
  afterEach(() => site.reset());

  /** Opens the watch page of one video and presses play. */
  async function openAndPlay(changes: Parameters<typeof makeVideo>[1] = {}, query = '') {
    const { state, url } = site.server;
    const video = makeVideo(url, { id: 'video-1', ...changes });
    state.videos = [video];
    const page = await site.open(`/watch/${video.id}${query}`);
    await page.getByTestId('big-play').click();
    return page;
  }

  it('plays what is clicked in the library', async () => {
    const { state, url } = site.server;
    state.videos = [makeVideo(url, { id: 'video-1', title: 'Harbour' })];
    const page = await site.open('/');
    await page.locator('[data-id=video-1] a').click();
    const player = await untilPlayer(page, ({ seconds }) => seconds > 2);
    assert.equal(player.paused, false);
    assert.equal(player.engine, 'hls.js');
    assert.ok(Math.abs(player.duration - STREAM_SECONDS) < 0.2);
    assert.equal(await page.title(), 'Harbour · Sluice');
    assert.deepEqual(page.troubles, []);
  });

  it('waits for a click where the address was opened directly', async () => {
    const { state, url } = site.server;
    state.videos = [makeVideo(url, { id: 'video-1' })];
    const page = await site.open('/watch/video-1');
    await untilPlayer(page, ({ bufferedTo }) => bufferedTo > 1);
    assert.equal((await playerOf(page)).paused, true);
    await page.getByTestId('big-play').click();
    await untilPlayer(page, ({ seconds }) => seconds > 1);
  });

  it('changes to a chosen quality without stopping, and back to Auto', async () => {
    const page = await openAndPlay();
    await untilPlayer(page, ({ qualityText, seconds }) => qualityText === 'Auto · 480p' && seconds > 1);
    await page.evaluate(() => {
      const media = document.querySelector('sluice-player')?.shadowRoot?.querySelector('video');
      media?.addEventListener('waiting', () => media.setAttribute('data-stalled', `${media.currentTime} s`));
    });
    await choose(page, 'quality', '240p');
    const chosen = await playerOf(page);
    const low = await untilPlayer(page, ({ pictureHeight }) => pictureHeight === 240);
    assert.equal(low.qualityText, '240p');
    const waited = low.seconds - chosen.seconds;
    assert.ok(waited < 6, `a change must not wait for what is buffered to be played: it took ${waited} s`);
    assert.equal(await page.getByTestId('media').getAttribute('data-stalled'), null);
    await choose(page, 'quality', 'Auto');
    assert.match((await playerOf(page)).qualityText, /^Auto/);
    await untilPlayer(page, ({ qualityText }) => qualityText === 'Auto · 480p');
    assert.deepEqual(page.troubles, []);
  });

  it('remembers quality and volume for the next video', async () => {
    const page = await openAndPlay();
    await untilPlayer(page, ({ qualities }) => qualities.length === 2);
    await choose(page, 'quality', '240p');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    site.server.state.videos = [makeVideo(site.server.url, { id: 'video-2' })];
    await page.goto(`${site.server.url}/watch/video-2`);
    const player = await untilPlayer(page, ({ pictureHeight }) => pictureHeight > 0);
    assert.equal(player.pictureHeight, 240);
    assert.equal(player.qualityText, '240p');
    assert.ok(Math.abs(player.volume - 0.9) < 0.001, `volume ${player.volume}`);
    const inHighQuality = [...site.server.requests.keys()].filter((path) =>
      /video-2\/chunk-stream0-/.test(path),
    );
    assert.deepEqual(inHighQuality, [], 'the other quality must not be fetched, and so encoded');
  });

  it('shows the picture of the time that is pointed at, also if it comes later', async () => {
    const { state, url } = site.server;
    const storyboard = `${url}/v/video-1/storyboard.vtt`;
    const { playback } = makeVideo(url, { id: 'video-1' });
    state.videos = [makeVideo(url, { id: 'video-1', playback: { ...playback, storyboard } })];
    const page = await site.open('/');
    const release = await holdBack(page, '**/storyboard.vtt');
    await page.goto(`${url}/watch/video-1`);
    const seek = page.getByTestId('seek');
    await seek.hover();
    await page.waitForFunction(() => {
      const player = document.querySelector('sluice-player');
      const bar = player?.shadowRoot?.querySelector<MediaTimeRange>('#seek');
      return bar?.mediaPreviewTime !== undefined;
    });
    release();
    await page.waitForFunction(() => {
      const bar = document.querySelector('sluice-player')?.shadowRoot?.querySelector('#seek');
      const preview = bar?.shadowRoot?.querySelector('media-preview-thumbnail');
      return preview?.shadowRoot?.querySelector('img')?.naturalWidth === 848;
    });
  });

  it('plays what was asked for before its engine was there', async () => {
    const { state, url } = site.server;
    state.videos = [makeVideo(url, { id: 'video-1' })];
    const page = await site.open('/');
    const release = await holdBack(page, '**/hls-*.js');
    await page.goto(`${url}/watch/video-1`);
    await page.getByTestId('big-play').click();
    release();
    await untilPlayer(page, ({ seconds }) => seconds > 1);
  });

  it('plays what was asked for at the moment its engine came', async () => {
    const { state, url } = site.server;
    state.videos = [makeVideo(url, { id: 'video-1' })];
    const page = await site.open('/');
    // Setting a source pauses, and drops the event of a press just before.
    await page.addInitScript(() => {
      const src = Object.getOwnPropertyDescriptor(HTMLMediaElement.prototype, 'src')!;
      const pressAndSet = function (this: HTMLMediaElement, address: string) {
        // Chromium lets nothing else play that nobody has clicked.
        this.muted = true;
        if (this.getAttribute('src') === null) {
          (this.getRootNode() as ShadowRoot).querySelector<HTMLElement>('#big-play')!.click();
        }
        src.set!.call(this, address);
      };
      Object.defineProperty(HTMLMediaElement.prototype, 'src', { ...src, set: pressAndSet });
    });
    await page.goto(`${url}/watch/video-1`);
    await untilPlayer(page, ({ seconds }) => seconds > 1);
  });

  it('goes on in DASH from where HLS was, and fetches that player only then', async () => {
    const page = await openAndPlay();
    await untilPlayer(page, ({ seconds }) => seconds > 3);
    const scripts = () =>
      page.evaluate(() => performance.getEntriesByType('resource').map(({ name }) => name));
    assert.ok(!(await scripts()).some((name) => name.includes('shaka')));
    await choose(page, 'format', 'DASH');
    const inHls = await playerOf(page);
    const player = await untilPlayer(
      page,
      ({ engine, seconds, paused }) => engine === 'shaka' && !paused && seconds > inHls.seconds + 1,
    );
    assert.ok(player.seconds < inHls.seconds + 10);
    assert.ok((await scripts()).some((name) => name.includes('shaka')));
    await choose(page, 'quality', '240p');
    await untilPlayer(
      page,
      ({ pictureHeight, qualityText }) => pictureHeight === 240 && qualityText === '240p',
    );
    await page.reload();
    await untilPlayer(page, ({ format, qualityText }) => format === 'dash' && qualityText === '240p');
    assert.deepEqual(page.troubles, []);
  });

  it('plays a package that is DASH alone, and offers no choice there', async () => {
    const { state, url } = site.server;
    state.videos = [without(makeVideo(url, { id: 'video-1' }), 'hls')];
    const page = await site.open('/watch/video-1');
    await page.getByTestId('big-play').click();
    const player = await untilPlayer(page, ({ seconds }) => seconds > 1);
    assert.deepEqual([player.engine, player.formats], ['shaka', ['dash']]);
    await page.getByTestId('settings').click();
    assert.equal(await page.locator('[data-menu=format]').isVisible(), false);
    assert.equal(await page.getByTestId('share-dash').count(), 1);
    assert.equal(await page.getByTestId('share-hls').count(), 0);
  });

  it('plays through the browser’s own HLS when asked', async () => {
    const page = await openAndPlay({}, '?engine=native');
    const player = await untilPlayer(page, ({ seconds }) => seconds > 1);
    assert.equal(player.engine, 'native');
    assert.deepEqual(page.troubles, []);
  });

  it('plays sound without a picture', async () => {
    const { state, url } = site.server;
    state.videos = [soundOnly(without(makeVideo(url, { id: 'audio-1' }), 'poster'))];
    const page = await site.open('/watch/audio-1');
    await page.getByTestId('big-play').click();
    await untilPlayer(page, ({ seconds }) => seconds > 1);
    assert.equal(await page.locator('#stage').isVisible(), true);
    await choose(page, 'format', 'DASH');
    await untilPlayer(page, ({ engine, seconds }) => engine === 'shaka' && seconds > 2);
    assert.deepEqual(page.troubles, []);
  });

  it('obeys the keyboard', async () => {
    const page = await openAndPlay();
    await untilPlayer(page, ({ seconds }) => seconds > 0.5);
    const press = async (key: string, isSo: Parameters<typeof untilPlayer>[1]) => {
      await page.keyboard.press(key);
      await untilPlayer(page, isSo, 3000).catch((error: unknown) => assert.fail(`${key}: ${String(error)}`));
    };
    await press('k', ({ paused }) => paused);
    await press('5', near(STREAM_SECONDS / 2));
    await press('ArrowRight', near(25));
    await press('ArrowLeft', near(20));
    await press('l', near(30));
    await press('j', near(20));
    await press('0', near(0));
    await press('j', near(0));
    await press('m', ({ muted }) => muted);
    await press('M', ({ muted }) => !muted);
    await press('ArrowDown', ({ volume }) => volume === 0.95);
    await press('ArrowUp', ({ volume }) => volume === 1);
    await press('>', ({ rate }) => rate === 1.25);
    await press('<', ({ rate }) => rate === 1);
    await press(' ', ({ paused }) => !paused);
    await page.keyboard.press('f');
    await page.waitForFunction(() => document.fullscreenElement?.localName === 'sluice-player');
    await page.keyboard.press('f');
    await page.waitForFunction(() => document.fullscreenElement === null);
  });

  it('lets a quality be chosen by keyboard alone', async () => {
    const page = await openAndPlay();
    await untilPlayer(page, ({ qualities, seconds }) => qualities.length === 2 && seconds > 0.5);
    const focused = (selector: string) =>
      page.waitForFunction(
        (wanted) =>
          document.querySelector('sluice-player')?.shadowRoot?.activeElement?.matches(wanted) === true,
        selector,
      );
    await page.getByTestId('settings').focus();
    await page.keyboard.press('Enter');
    await focused('[data-menu=quality]');
    await page.keyboard.press('Enter');
    await focused('#quality-menu [value=auto]');
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('Enter');
    await untilPlayer(page, ({ qualityText }) => qualityText === '240p');
    await focused('#settings-button');
  });

  it('shows for a moment what a key did', async () => {
    const page = await openAndPlay();
    await untilPlayer(page, ({ seconds }) => seconds > 0.5);
    const toast = page.locator('#toast');
    const opacity = () => toast.evaluate((element) => Number(getComputedStyle(element).opacity));
    assert.equal(await opacity(), 0);
    await page.keyboard.press('ArrowRight');
    assert.ok((await opacity()) > 0.3);
    assert.equal(await toast.textContent(), '+5 s');
    await page.waitForTimeout(1200);
    assert.equal(await opacity(), 0);
  });

  it('leaves the keys to whom they belong', async () => {
    const page = await openAndPlay();
    await untilPlayer(page, ({ seconds }) => seconds > 0.5);
    await page.getByTestId('share-link').focus();
    await page.keyboard.press('k');
    assert.equal((await playerOf(page)).paused, false, 'typing in a field is not playing');
    await page.getByTestId('mute').focus();
    await page.keyboard.press('Space');
    const { paused, muted } = await playerOf(page);
    assert.deepEqual({ paused, muted }, { paused: false, muted: true }, 'Space presses the focused button');
    await page.keyboard.press('Control+m');
    assert.equal((await playerOf(page)).muted, true, 'the browser’s own shortcuts stay');
  });

  it('moves by five seconds with the arrows when the seek bar has the focus', async () => {
    const page = await openAndPlay();
    await untilPlayer(page, ({ seconds }) => seconds > 0.5);
    await page.keyboard.press('k');
    await page.keyboard.press('2');
    await page.getByTestId('seek').locator('input').focus();
    await page.keyboard.press('ArrowRight');
    await untilPlayer(page, ({ seconds }) => Math.abs(seconds - 13) < 0.4);
  });

  it('shows its keys on "?"', async () => {
    const page = await openAndPlay();
    await page.keyboard.press('?');
    const help = page.getByTestId('shortcuts');
    await help.getByText('Forward 10 seconds').waitFor();
    await page.keyboard.press('Escape');
    await help.waitFor({ state: 'hidden' });
    await page.getByTestId('settings').hover();
    await page.getByTestId('help-button').click();
    await help.waitFor();
  });

  it('resumes where it was left', async () => {
    const page = await openAndPlay();
    await untilPlayer(page, ({ seconds }) => seconds > 0.5);
    await page.keyboard.press('6');
    await untilPlayer(page, ({ seconds }) => seconds > 24.5);
    await page.getByTestId('back').click();
    await page.getByTestId('card').locator('a').click();
    const player = await untilPlayer(page, ({ seconds }) => seconds > 1);
    assert.ok(player.seconds > 23 && player.seconds < 28, `resumed at ${player.seconds}`);
  });

  it('shows its pictures on the time line, also where it stands on the page of another site', async () => {
    const folder = `${site.server.url}/v/video-1`;
    using elsewhere = await startOtherSite(
      `src-hls="${folder}/main.m3u8" storyboard="${folder}/storyboard.vtt"`,
    );
    const page = await site.open('/nowhere');
    await page.goto(elsewhere.url);
    await untilPlayer(page, ({ duration }) => duration > 0);
    await page.getByTestId('seek').hover();
    await page.waitForFunction(() => {
      const seek = document.querySelector('sluice-player')?.shadowRoot?.querySelector('#seek');
      const preview = seek?.shadowRoot?.querySelector('media-preview-thumbnail');
      return preview?.shadowRoot?.querySelector('img')?.naturalWidth === 848;
    });
  });

  it('says that a video failed, and why', async () => {
    const { state, url } = site.server;
    const error = { code: 'source_damaged', message: 'The file ends in the middle.' };
    state.videos = [uninspected(makeVideo(url, { id: 'video-1', status: 'failed', error }))];
    const page = await site.open('/watch/video-1');
    await page.getByText('The file ends in the middle.').waitFor();
    assert.equal(await page.locator('sluice-player').count(), 0);
  });

  it('says that there is no such video', async () => {
    const page = await site.open('/watch/video-none');
    await page.getByText('There is no such video').waitFor();
    assert.equal(await page.title(), 'Not found · Sluice');
  });

  it('plays as soon as a video has been inspected', async () => {
    const { state, url } = site.server;
    const video = makeVideo(url, { id: 'video-1', status: 'playable', encodedFraction: 0.1 });
    state.videos = [uninspected({ ...video, status: 'inspecting' })];
    const page = await site.open('/watch/video-1');
    await page.getByTestId('waiting').waitFor();
    state.videos = [video];
    await page.getByTestId('big-play').click();
    await untilPlayer(page, ({ seconds }) => seconds > 0.5);
    // News of the encoding keep coming, and must not disturb.
    await page.evaluate(() => document.querySelector('sluice-player')?.setAttribute('kept', ''));
    state.videos = [{ ...video, status: 'ready', encodedFraction: 1 }];
    await page.waitForFunction(() => document.querySelector('sluice-player')?.hasAttribute('encoded'));
    const { seconds } = await playerOf(page);
    await untilPlayer(page, (player) => player.seconds > seconds + 1);
    assert.equal(await page.locator('sluice-player[kept]').count(), 1);
  });

  it('tells of a failure while playing, and goes on after "Try again"', async () => {
    const { state, url } = site.server;
    state.isMediaGone = true;
    state.videos = [makeVideo(url, { id: 'video-1' })];
    const page = await site.open('/watch/video-1');
    await page.getByTestId('big-play').click();
    await page.getByTestId('player-error').getByText('not there any more').waitFor({ timeout: 40_000 });
    state.isMediaGone = false;
    await page.getByTestId('player-retry').click();
    await untilPlayer(page, ({ seconds, failure }) => seconds > 1 && failure === undefined);
    assert.equal(await page.getByTestId('player-error').isVisible(), false);
  });

  for (const format of ['hls', 'dash'] as const) {
    it(`plays ${format} from a slow and busy encoder, and rises to the best quality`, async () => {
      const { state, url } = site.server;
      // A busy server, then the first segments of the sound and the picture are encoded while we wait. That
      // must not be taken for a bad network.
      state.refusals = 2;
      state.encodeMs = 4000;
      state.slowRequests = 4;
      state.videos = [makeVideo(url, { id: 'video-1', status: 'playable', encodedFraction: 0 })];
      const page = await site.open('/watch/video-1');
      await page.evaluate((wish) => localStorage.setItem('sluice.format', wish), format);
      await page.reload();
      await page.getByTestId('big-play').click();
      const first = await untilPlayer(page, ({ seconds }) => seconds > 0.1);
      assert.equal(first.pictureHeight, 240, 'it begins with what is encoded soonest');
      const best = await untilPlayer(page, ({ pictureHeight }) => pictureHeight === 480, 30_000);
      assert.ok(best.seconds < 6, `only after ${best.seconds} s`);
      assert.equal(best.failure, undefined);
    });
  }

  it('fetches no more than half a minute ahead', async () => {
    const page = await openAndPlay();
    await untilPlayer(page, ({ bufferedTo }) => bufferedTo > 25);
    await page.waitForTimeout(1000);
    const { bufferedTo, seconds } = await playerOf(page);
    assert.ok(bufferedTo - seconds < 36, `${bufferedTo - seconds} s ahead`);
  });

  it('fills a frame, and loads nothing before it is played', async () => {
    const { state, url, requests } = site.server;
    state.videos = [makeVideo(url, { id: 'video-1' })];
    const page = await site.open('/embed/video-1');
    await page.getByTestId('big-play').waitFor();
    await page.waitForTimeout(500);
    assert.equal(requests.size, 0);
    await page.getByTestId('time').getByText('0:40').waitFor();
    const box = await page.locator('sluice-player').boundingBox();
    assert.deepEqual(box, { x: 0, y: 0, width: 1280, height: 800 });
    await page.getByTestId('big-play').click();
    await untilPlayer(page, ({ seconds }) => seconds > 1);
    assert.deepEqual(page.troubles, []);
  });

  it('obeys the wishes in the address of a frame', async () => {
    const { state, url } = site.server;
    state.videos = [makeVideo(url, { id: 'video-1' })];
    const page = await site.open('/embed/video-1?autoplay&muted&start=20');
    const player = await untilPlayer(page, ({ seconds }) => seconds > 20.5);
    assert.ok(player.seconds < 24);
    assert.equal(player.muted, true);
  });

  it('offers to play where the browser does not let it start by itself', async () => {
    const { state, url } = site.server;
    state.videos = [makeVideo(url, { id: 'video-1' })];
    const page = await site.open('/');
    // What a browser does before the first touch. (Playwright's own questions to the page count as one.)
    await page.addInitScript(() => {
      let isTouched = false;
      addEventListener('pointerdown', () => (isTouched = true), { capture: true });
      const { play } = HTMLMediaElement.prototype;
      HTMLMediaElement.prototype.play = function refusing() {
        if (isTouched) return play.call(this);
        return Promise.reject(new DOMException('no gesture', 'NotAllowedError'));
      };
    });
    await page.goto(`${url}/embed/video-1?autoplay`);
    await untilPlayer(page, ({ bufferedTo }) => bufferedTo > 1);
    await page.getByTestId('big-play').click();
    await untilPlayer(page, ({ seconds, paused }) => seconds > 1 && !paused);
  });

  it('gives every control a name', async () => {
    const page = await openAndPlay();
    await untilPlayer(page, ({ seconds }) => seconds > 0.5);
    const nameless = await page.evaluate(() => {
      const roots: ParentNode[] = [document];
      const shadow = document.querySelector('sluice-player')?.shadowRoot;
      if (shadow) roots.push(shadow);
      const controls = roots.flatMap((root) => [
        ...root.querySelectorAll<HTMLElement>('a, button, input, [role=button]'),
      ]);
      // Written here and not beside it, because the browser gets this function alone.
      // oxlint-disable-next-line unicorn/consistent-function-scoping
      const named = (element: HTMLElement) =>
        element.getAttribute('aria-label') ??
        element.getAttribute('aria-labelledby') ??
        (element as HTMLInputElement).labels?.[0]?.textContent ??
        element.textContent?.trim();
      return controls.filter((element) => !named(element)).map((element) => element.outerHTML);
    });
    assert.deepEqual(nameless, []);
  });

  it('hands out addresses', async () => {
    const { state, url } = site.server;
    state.videos = [makeVideo(url, { id: 'video-1', title: 'A "quoted" <title>' })];
    const page = await site.open('/watch/video-1', { permissions: ['clipboard-read', 'clipboard-write'] });
    await page.getByTestId('copy-share-hls').click();
    await page.getByText('Copied').waitFor();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), `${url}/v/video-1/main.m3u8`);
    const code = await page.getByTestId('share-embed-code').inputValue();
    const frame = await page.evaluate((html) => {
      const parsed = new DOMParser().parseFromString(html, 'text/html').querySelector('iframe');
      return { src: parsed?.src, title: parsed?.title };
    }, code);
    assert.deepEqual(frame, { src: `${url}/embed/video-1`, title: 'A "quoted" <title>' });
  });
});

function near(seconds: number): (player: { seconds: number }) => boolean {
  return (player) => Math.abs(player.seconds - seconds) < 0.4;
}

/** No answer to these requests until the function that it gives is called. */
async function holdBack(page: Page, addresses: string): Promise<() => void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  await page.route(addresses, async (route) => {
    await promise;
    await route.continue();
  });
  return resolve;
}
