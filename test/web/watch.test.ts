import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import { untilPlayer } from './player-page.ts';
import { type Site, skip, startSite } from './site.ts';
import { makeVideo, uninspected } from './videos.ts';

/** The segments of the stream are 2 s long, 20 of them. */
const NOTHING_STORED = {
  tracks: {
    v480: { count: 20, segmentSeconds: 2, states: 'w20' },
    v240: { count: 20, segmentSeconds: 2, states: 's2ew17' },
    a1: { count: 20, segmentSeconds: 2, states: 's20' },
  },
};

/** The real size of the rungs in `streams.ts`. */
const SIZED_TRACKS = [
  { id: 'v480', kind: 'video', label: '480p', codecs: 'avc1.64001e', width: 848, height: 480 },
  { id: 'v240', kind: 'video', label: '240p', codecs: 'avc1.640015', width: 424, height: 240 },
  { id: 'a1', kind: 'audio', label: 'Stereo', codecs: 'mp4a.40.2', channels: 2 },
] as const;

describe('watch page', { skip }, () => {
  let site: Site;
  before(async () => {
    site = await startSite();
  });
  after(() => site.close());
  afterEach(() => site.reset());

  it('renames a video where its title stands', async () => {
    const { state, url } = site.server;
    state.videos = [makeVideo(url, { id: 'video-r', title: 'IMG_0042' })];
    const page = await site.open('/watch/video-r');
    await page.getByTestId('rename').click();
    await page.getByTestId('title-field').fill('  ');
    await page.keyboard.press('Escape');
    assert.equal(await page.getByTestId('title').textContent(), 'IMG_0042');
    await page.locator('[data-testid=rename]:focus').waitFor();
    await page.keyboard.press('Enter');
    // What is there is selected, so typing replaces it; and no key of it reaches the player.
    await page.keyboard.type('Kim at the lake');
    await page.keyboard.press('Enter');
    await page.getByTestId('title').getByText('Kim at the lake').waitFor();
    assert.equal(state.videos[0]?.title, 'Kim at the lake');
    await page.getByTestId('back').click();
    await page.locator('[data-id=video-r]').getByText('Kim at the lake').waitFor();
    assert.deepEqual(page.troubles, []);
  });

  it('says why a change was refused, and keeps what was typed', async () => {
    const { state, url } = site.server;
    state.videos = [makeVideo(url, { id: 'video-r' })];
    state.refusal = { status: 400, detail: 'a title is one line' };
    const page = await site.open('/watch/video-r');
    await page.getByTestId('describe').click();
    await page.getByTestId('description-field').fill('First line\nsecond line');
    await page.getByTestId('save').click();
    await page.getByText('A title is one line.').waitFor();
    state.refusal = undefined;
    await page.getByTestId('save').click();
    await page.getByTestId('description').waitFor();
    assert.equal(await page.getByTestId('description').innerText(), 'First line\nsecond line');
  });

  it('deletes a video, once that is confirmed', async () => {
    const { state, url } = site.server;
    state.videos = [makeVideo(url, { id: 'video-d', title: 'Old' }), makeVideo(url, { id: 'video-k' })];
    const page = await site.open('/watch/video-d');
    await page.getByTestId('delete').click();
    await page.getByTestId('delete-dialog').waitFor();
    // Enter must not delete by accident: the safe button has the focus.
    await page.keyboard.press('Enter');
    await page.getByTestId('delete-dialog').waitFor({ state: 'detached' });
    assert.equal(state.videos.length, 2);
    await page.getByTestId('delete').click();
    await page.getByTestId('delete-confirm').click();
    await page.locator('[data-id=video-k]').waitFor();
    assert.equal(await page.locator('[data-id=video-d]').count(), 0);
    assert.equal(await page.getByTestId('announcement').textContent(), 'Old was deleted.');
    assert.deepEqual(page.troubles, []);
  });

  it('says why a video was not deleted, and offers no deletion where the library folder has it', async () => {
    const { state, url } = site.server;
    const { source, ...video } = makeVideo(url, { id: 'video-d' });
    state.videos = [{ ...video, source }];
    state.refusal = { status: 503, detail: 'the catalog is away' };
    const page = await site.open('/watch/video-d');
    await page.getByTestId('delete').click();
    await page.getByTestId('delete-confirm').click();
    await page.getByText('The catalog is away.').waitFor();
    await page.keyboard.press('Escape');
    state.videos = [{ ...video, source: { ...source, origin: 'library' } }];
    await page.getByTestId('kept').waitFor();
    assert.equal(await page.getByTestId('delete').count(), 0);
  });

  it('asks for the key where the server wants one, and remembers it', async () => {
    const { state, url } = site.server;
    state.videos = [makeVideo(url, { id: 'video-key', title: 'Locked' })];
    const page = await site.open('/watch/video-key');
    const keys: (string | undefined)[] = [];
    await page.route('**/api/v1/videos/video-key', async (route) => {
      const request = route.request();
      if (request.method() !== 'PATCH') return route.fallback();
      keys.push(request.headers()['authorization']);
      if (keys.at(-1) === 'Bearer right') return route.fallback();
      return route.fulfill({ status: 401, json: { detail: 'this needs the API key' } });
    });
    await page.getByTestId('rename').click();
    await page.keyboard.type('Open');
    await page.keyboard.press('Enter');
    for (const key of ['wrong', 'right']) {
      await page.getByTestId('key').fill(key);
      await page.keyboard.press('Enter');
    }
    await page.getByTestId('title').getByText('Open').waitFor();
    assert.deepEqual(keys, [undefined, 'Bearer wrong', 'Bearer right']);
    await page.reload();
    await page.getByTestId('rename').click();
    await page.keyboard.type('Still open');
    await page.keyboard.press('Enter');
    await page.getByTestId('title').getByText('Still open').waitFor();
    assert.equal(keys.at(-1), 'Bearer right');
  });

  it('follows an upload and its inspection until it plays', async () => {
    const { state, url } = site.server;
    const video = makeVideo(url, { id: 'video-live' });
    state.videos = [uninspected({ ...video, status: 'uploading' })];
    const page = await site.open('/watch/video-live');
    await page.getByText('The upload is under way').waitFor();
    site.server.tell('upload', { id: 'video-live', receivedBytes: 1, totalBytes: 4 });
    await page.getByText('The upload is under way: 25%').waitFor();
    state.videos = [uninspected({ ...video, status: 'inspecting' })];
    await page.getByText('Inspecting the video').waitFor();
    state.videos = [video];
    await untilPlayer(page, ({ qualities }) => qualities.length === 2);
    state.videos = [];
    await page.getByText('There is no such video').waitFor();
  });

  it('fills the encode map as segments are encoded, and marks what was watched', async () => {
    const { state, url } = site.server;
    state.segments = { 'video-map': NOTHING_STORED };
    state.videos = [
      makeVideo(url, { id: 'video-map', status: 'playable', encodedFraction: 0.36, tracks: SIZED_TRACKS }),
    ];
    const page = await site.open('/watch/video-map', { colorScheme: 'light' });
    const map = page.getByTestId('encode-map');
    await map.getByText('36% encoded').waitFor();
    assert.equal(await page.getByTestId('encoded-by-track').innerText(), '480p: 0%\n240p: 10%\nStereo: 100%');
    const [waiting, encoding, stored, seen] = await swatches(page);
    assert.equal(await colourAt(page, 0, 10), waiting);
    assert.equal(await colourAt(page, 1, 2), encoding);
    assert.equal(await colourAt(page, 2, 10), stored);

    site.server.tell('segment', { id: 'video-map', trackId: 'v480', index: 10, state: 'encoding' });
    await untilColour(page, 0, 10, encoding);
    site.server.tell('segment', { id: 'video-map', trackId: 'v480', index: 10, state: 'stored' });
    site.server.tell('progress', { id: 'video-map', encodedFraction: 0.4 });
    await untilColour(page, 0, 10, stored);
    await map.getByText('40% encoded').waitFor();
    assert.match(await page.getByTestId('encoded-by-track').innerText(), /^480p: 5%/);

    // A click takes the player there; what is then on screen is marked, in its own rung.
    await untilPlayer(page, ({ qualities }) => qualities.length === 2);
    await page.locator('sluice-player').evaluate((player) => {
      (player as HTMLElement & { media: HTMLVideoElement }).media.muted = true;
    });
    await clickAt(page, 0, 15);
    await page
      .locator('sluice-player')
      .evaluate((player) => (player as HTMLElement & { play(): Promise<void> }).play());
    await untilPlayer(page, ({ seconds }) => seconds > 30.5 && seconds < 40);
    await page.waitForFunction(
      (wanted) => [0, 1].some((row) => window.colourOfCell(row, 15) === wanted),
      seen,
    );
    await untilColour(page, 2, 15, seen);
    const left = await page.getByTestId('position').evaluate((line) => Number.parseFloat(line.style.left));
    assert.ok(left >= 75 && left < 100, `the line is at ${left}%`);
    assert.deepEqual(page.troubles, []);
  });

  it('offers a quality as a file, as soon as all of it is encoded', async () => {
    const { state, url } = site.server;
    state.segments = { 'video-f': NOTHING_STORED };
    const video = makeVideo(url, { id: 'video-f', status: 'playable', encodedFraction: 0.5 });
    state.videos = [video];
    const page = await site.open('/watch/video-f');
    await page.getByTestId('encoded-by-track').getByText('240p: 10%').waitFor();
    assert.equal(await page.getByTestId('download').count(), 0);
    // Not told, but found when the last segment of a track has come.
    const mp4 = [{ quality: '240p', url: `${url}/v/video-f/mp4/240p.mp4` }];
    Object.assign(video, { playback: { ...video.playback, mp4 } });
    for (let index = 0; index < 20; index++) {
      site.server.tell('segment', { id: 'video-f', trackId: 'v240', index, state: 'stored' });
    }
    const link = page.getByTestId('download-240p');
    await link.waitFor();
    assert.equal(await link.getAttribute('href'), '/v/video-f/mp4/240p.mp4?download');
  });

  it('tells what the pointer is at in the encode map', async () => {
    const { state, url } = site.server;
    state.segments = { 'video-tip': NOTHING_STORED };
    state.videos = [makeVideo(url, { id: 'video-tip', status: 'playable', encodedFraction: 0.3 })];
    const page = await site.open('/watch/video-tip');
    const { x, y } = await cellCentre(page, 1, 2);
    await page.mouse.move(x, y);
    assert.equal(await page.getByTestId('chart-tip').textContent(), '240p · 0:04–0:06 · being encoded');
  });

  it('shows no encode map for a package, which is never encoded, and lets it keep its own captions', async () => {
    const { state, url } = site.server;
    const video = makeVideo(url, { id: 'video-pack' });
    state.segments = { 'video-pack': NOTHING_STORED };
    state.videos = [
      { ...video, source: { name: 'p/main.m3u8', bytes: 1, origin: 'library', container: 'hls' } },
    ];
    const page = await site.open('/watch/video-pack');
    await untilPlayer(page, ({ qualities }) => qualities.length === 2);
    assert.equal(await page.getByTestId('encode-map').count(), 0);
    assert.equal(await page.getByTestId('add-captions').count(), 0);
  });

  it('draws a map of two hours and eight rungs, and only when something changed', async () => {
    const { state, url } = site.server;
    const ids = Array.from({ length: 8 }, (_, i) => `v${i}`);
    const track = { count: 1800, segmentSeconds: 4, states: 's300ew1499' };
    state.segments = { 'video-big': { tracks: Object.fromEntries(ids.map((id) => [id, track])) } };
    state.videos = [
      makeVideo(url, {
        id: 'video-big',
        status: 'playable',
        durationSeconds: 7200,
        tracks: ids.map((id) => ({
          id,
          kind: 'video',
          label: id,
          codecs: 'avc1',
          width: 1920,
          height: 1080,
        })),
      }),
    ];
    const page = await site.open('/watch/video-big');
    await page.getByTestId('chart').waitFor();
    const paints = await page.evaluate(async () => {
      let count = 0;
      const { fillRect } = CanvasRenderingContext2D.prototype;
      CanvasRenderingContext2D.prototype.fillRect = function (...area) {
        count++;
        fillRect.apply(this, area);
      };
      await new Promise((resolve) => setTimeout(resolve, 1500));
      return count;
    });
    assert.equal(paints, 0, 'drawn although nothing changed');
    const colours = await swatches(page);
    for (let index = 301; index < 400; index++) {
      site.server.tell('segment', { id: 'video-big', trackId: 'v3', index, state: 'stored' });
    }
    await untilColour(page, 3, 350, colours[2]);
    assert.equal(await colourAt(page, 0, 100), colours[2]);
    assert.equal(await colourAt(page, 7, 1000), colours[0]);
  });
});

declare global {
  interface Window {
    colourOfCell(row: number, index: number): string;
  }
}

/** The colours of the legend: waiting, encoding, stored, seen. As the canvas has them: red, green, blue. */
function swatches(page: Page): Promise<string[]> {
  return page.locator('.legend .swatch').evaluateAll((all) =>
    all.map((swatch) => {
      const canvas = document.createElement('canvas');
      const context = canvas.getContext('2d')!;
      context.fillStyle = getComputedStyle(swatch).backgroundColor;
      context.fillRect(0, 0, 1, 1);
      return String(context.getImageData(0, 0, 1, 1).data);
    }),
  );
}

/** Lets the page tell the colour in the middle of a cell, by the chart's own measures. */
async function prepare(page: Page): Promise<void> {
  await page.getByTestId('chart').waitFor();
  await page.evaluate(() => {
    window.colourOfCell = (row, index) => {
      const canvas = document.querySelector<HTMLCanvasElement>('.chart canvas')!;
      const scale = canvas.width / canvas.clientWidth;
      const video = document.querySelector('sluice-player')!;
      const seconds = Number(video.getAttribute('duration'));
      const cellSeconds = seconds > 1000 ? 4 : 2;
      const x = ((index + 0.4) * cellSeconds * canvas.width) / seconds;
      const data = canvas.getContext('2d')!.getImageData(x, (row * 22 + 8) * scale, 1, 1).data;
      return String(data);
    };
  });
}

async function colourAt(page: Page, row: number, index: number): Promise<string> {
  await prepare(page);
  return page.evaluate(([r, i]) => window.colourOfCell(r!, i!), [row, index]);
}

async function untilColour(page: Page, row: number, index: number, colour: string | undefined) {
  await prepare(page);
  await page.waitForFunction(([r, i, wanted]) => window.colourOfCell(Number(r), Number(i)) === wanted, [
    row,
    index,
    colour,
  ] as const);
}

/** Where the middle of a cell is on screen, for segments of 2 s in 40 s. */
async function cellCentre(page: Page, row: number, index: number): Promise<{ x: number; y: number }> {
  const chart = page.getByTestId('chart');
  await chart.scrollIntoViewIfNeeded();
  const box = await chart.boundingBox();
  assert.ok(box !== null);
  return { x: box.x + (box.width * (index + 0.5)) / 20, y: box.y + row * 22 + 8 };
}

async function clickAt(page: Page, row: number, index: number): Promise<void> {
  const { x, y } = await cellCentre(page, row, index);
  await page.mouse.click(x, y);
}
