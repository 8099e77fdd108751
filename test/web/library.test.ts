import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { type Site, skip, startSite } from './site.ts';
import { makeVideo, soundOnly, uninspected, without } from './videos.ts';

describe('library page', { skip }, () => {
  let site: Site;
  before(async () => {
    site = await startSite();
  });
  after(() => site.close());
  afterEach(() => site.reset());

  it('shows every video with picture, duration and what it is', async () => {
    const { state, url } = site.server;
    state.videos = [
      makeVideo(url, { id: 'video-4k', title: 'Sea', width: 3840, height: 2160, durationSeconds: 3723 }),
      soundOnly(without(makeVideo(url, { id: 'audio-1', title: 'Rain' }), 'poster')),
      without(makeVideo(url, { id: 'video-pack', title: 'Package' }), 'dash'),
    ];
    const page = await site.open('/');
    const sea = page.locator('[data-id=video-4k]');
    assert.equal(await sea.getByTestId('duration').textContent(), '1:02:03');
    assert.match(await sea.innerText(), /4K/);
    assert.ok(
      await sea.locator('img').evaluate((image: HTMLImageElement) => image.decode().then(() => true)),
    );
    assert.match(await page.locator('[data-id=audio-1]').innerText(), /Audio/);
    assert.match(await page.locator('[data-id=video-pack]').innerText(), /HLS/);
    assert.deepEqual(page.troubles, []);
  });

  it('puts a drawing where a poster does not load', async () => {
    const { state, url } = site.server;
    const video = makeVideo(url, { id: 'video-x' });
    state.videos = [{ ...video, playback: { ...video.playback, poster: `${url}/v/video/gone.jpg` } }];
    const page = await site.open('/');
    await page.locator('[data-id=video-x] .stand-in').waitFor();
    assert.equal(await page.locator('[data-id=video-x] img').count(), 0);
  });

  it('says of a video that it is inspected, and of a failed one why', async () => {
    const { state, url } = site.server;
    const error = { code: 'source_not_media', message: 'this is a text file' };
    state.videos = [
      uninspected(makeVideo(url, { id: 'video-a', status: 'inspecting' })),
      uninspected(makeVideo(url, { id: 'video-b', status: 'failed', error })),
    ];
    const page = await site.open('/');
    assert.match(await page.locator('[data-id=video-a]').innerText(), /Inspecting/);
    assert.equal(await page.getByTestId('reason').textContent(), 'This is a text file.');
  });

  it('shows a dropped file, and what becomes of it, without a reload', async () => {
    const { state, url } = site.server;
    const page = await site.open('/');
    await page.getByText('No videos yet').waitFor();
    assert.match(await page.getByTestId('notice').innerText(), /assets folder/);
    const video = makeVideo(url, { id: 'video-new' });
    state.videos = [uninspected({ ...video, status: 'inspecting' })];
    await page.locator('[data-id=video-new][data-status=inspecting]').waitFor();
    state.videos = [video];
    await page.locator('[data-id=video-new][data-status=ready]').getByTestId('duration').waitFor();
    state.videos = [];
    await page.getByText('No videos yet').waitFor();
  });

  it('notices what is new by asking, where it is not told', async () => {
    const { state, url } = site.server;
    state.hasEvents = false;
    const page = await site.open('/');
    await page.getByText('No videos yet').waitFor();
    state.videos = [makeVideo(url, { id: 'video-asked' })];
    await page.locator('[data-id=video-asked]').waitFor();
  });

  it('shows how far uploads and encoding are, as it is told', async () => {
    const { state, url } = site.server;
    state.videos = [
      uninspected(makeVideo(url, { id: 'video-up', status: 'uploading' })),
      makeVideo(url, { id: 'video-enc', status: 'playable', encodedFraction: 0.1 }),
      makeVideo(url, { id: 'video-idle', status: 'playable', encodedFraction: 0 }),
    ];
    const page = await site.open('/');
    await page.locator('[data-id=video-enc]').getByText('10% encoded').waitFor();
    // Once the list is there that the page asks for when its stream begins: an older one would take back what is told.
    state.videos = state.videos.map((video) =>
      video.id === 'video-enc' ? { ...video, encodedFraction: 0.2 } : video,
    );
    await page.locator('[data-id=video-enc]').getByText('20% encoded').waitFor();
    site.server.tell('upload', { id: 'video-up', receivedBytes: 30, totalBytes: 120 });
    await page.locator('[data-id=video-up]').getByText('Uploading 25%').waitFor();
    site.server.tell('progress', { id: 'video-enc', encodedFraction: 0.625 });
    await page.locator('[data-id=video-enc]').getByText('62% encoded').waitFor();
    site.server.tell('deleted', { id: 'video-up' });
    await page.locator('[data-id=video-up]').waitFor({ state: 'detached' });
    assert.equal(await page.getByTestId('encoded').count(), 1);
    assert.deepEqual(page.troubles, []);
  });

  it('fetches page after page as one scrolls, each video once', async () => {
    const { state, url } = site.server;
    state.videos = Array.from({ length: 60 }, (_, i) => makeVideo(url, { id: `video-p${i}` }));
    const page = await site.open('/');
    await page.getByTestId('card').first().waitFor();
    assert.equal(await page.getByTestId('card').count(), 24);
    while ((await page.getByTestId('card').count()) < 60) {
      await page.mouse.wheel(0, 2000);
      await page.waitForTimeout(50);
    }
    // Fetching the head again must not double or lose what scrolling fetched.
    const refetched = page.waitForResponse((response) => response.url().includes('limit='));
    state.videos = [...state.videos];
    await refetched;
    const ids = await page.getByTestId('card').evaluateAll((cards) => cards.map((c) => c.dataset['id']));
    assert.deepEqual(
      ids,
      state.videos.map(({ id }) => id),
    );
    assert.equal(await page.getByTestId('more').count(), 0);
  });

  it('searches as one types, and keeps the search in the address', async () => {
    const { state, url } = site.server;
    state.videos = [
      makeVideo(url, { id: 'video-s1', title: 'Harbour' }),
      makeVideo(url, { id: 'video-s2', title: 'Forest' }),
    ];
    const page = await site.open('/');
    await page.locator('[data-id=video-s2]').waitFor();
    await page.getByTestId('search').fill('harb');
    await page.locator('[data-id=video-s2]').waitFor({ state: 'detached' });
    assert.equal(await page.getByTestId('card').count(), 1);
    assert.equal(new URL(page.url()).search, '?q=harb');
    await page.reload();
    await page.locator('[data-id=video-s1]').waitFor();
    assert.equal(await page.getByTestId('search').inputValue(), 'harb');
    await page.getByTestId('search').fill('desert');
    await page.getByText('Nothing found').waitFor();
  });

  it('says why it cannot show the library, and shows it once it can', async () => {
    const { state, url } = site.server;
    state.apiStatus = 503;
    const page = await site.open('/');
    await page.getByText('The disk is full.').waitFor();
    state.apiStatus = 200;
    state.videos = [makeVideo(url, { id: 'video-back' })];
    await page.getByTestId('retry').click();
    await page.locator('[data-id=video-back]').waitFor();
  });

  it('keeps showing what it knows while the server is away', async () => {
    const { state, url } = site.server;
    state.videos = [makeVideo(url, { id: 'video-known' })];
    const page = await site.open('/');
    await page.locator('[data-id=video-known]').waitFor();
    state.apiStatus = 500;
    await page.getByText('Trying again').waitFor();
    assert.equal(await page.locator('[data-id=video-known]').count(), 1);
    state.apiStatus = 200;
    await page.getByText('Trying again').waitFor({ state: 'detached' });
  });

  it('comes back to where it was scrolled', async () => {
    const { state, url } = site.server;
    state.videos = Array.from({ length: 24 }, (_, i) => makeVideo(url, { id: `video-b${i}` }));
    const page = await site.open('/');
    await page.locator('[data-id=video-b20]').scrollIntoViewIfNeeded();
    const left = await page.evaluate(() => scrollY);
    assert.ok(left > 300, `nothing to come back to: ${left}`);
    await page.locator('[data-id=video-b20] a').click();
    await page.waitForURL('**/watch/video-b20');
    await page.goBack();
    await page.waitForFunction((y) => Math.abs(scrollY - y) < 5, left);
  });

  for (const path of ['/', '/watch/video-long', '/nowhere']) {
    it(`never scrolls sideways: ${path}`, async () => {
      const { state, url } = site.server;
      const title = 'An-endless-file-name-without-any-place-to-break-it-'.repeat(3);
      state.videos = [makeVideo(url, { id: 'video-long', title }), makeVideo(url, { id: 'video-w' })];
      const page = await site.open(path);
      await page.locator('h1').first().waitFor({ state: 'attached' });
      if (path !== '/nowhere') await page.getByText(title).first().waitFor();
      for (const width of [1440, 768, 390, 320]) {
        await page.setViewportSize({ width, height: 700 });
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(overflow <= 0, `${overflow} pixels too wide for ${width}`);
      }
    });
  }
});
