/** Uploads from the page into the real server. */
import assert from 'node:assert/strict';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import {
  type RealServer,
  SAMPLE,
  type ServerFolders,
  serverFolders,
  startServer,
} from '../e2e/real-server.ts';
import { builtPages } from './made-once.ts';
import { untilPlayer } from './player-page.ts';
import { type Proxy, startProxy } from './proxy.ts';
import { launchBrowser, newPage, skip, type WatchedPage } from './site.ts';

/** Slow enough to do something meanwhile: the files are {@link FILE_BYTES} long. */
const SLOW = 150_000;
const FILE_BYTES = 3_000_000;
const NO_LIMIT = -1;

const KEY = 'open-sesame-open-sesame';

describe('uploads', { skip }, () => {
  let folder: string;
  let dist: string;
  let folders: ServerFolders;
  let server: RealServer;
  let proxy: Proxy;
  let browser: Browser;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-uploads-'));
    [dist, folders, browser] = await Promise.all([
      builtPages(),
      serverFolders(),
      launchBrowser(),
      mkdir(join(folder, 'files')),
    ]);
    server = await startServer(folders);
    proxy = await startProxy(dist, server.url);
  });
  after(async () => {
    await browser?.close();
    proxy?.close();
    await server?.[Symbol.asyncDispose]();
    await folders?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });
  afterEach(async () => {
    await Promise.all(browser.contexts().map((context) => context.close()));
    for (const { id } of await server.videos()) {
      await fetch(`${server.url}/api/v1/videos/${id}`, { method: 'DELETE' });
    }
  });

  it('sends several files, shows them come, and plays them without a reload', async () => {
    const page = await open();
    await choose(page, await sampleFile('first.mp4'), await sampleFile('second.mp4'));
    for (const name of ['first', 'second']) {
      await row(page, `${name}.mp4`, 'done').waitFor();
      await page.locator('[data-testid=card]:not([data-status=uploading])', { hasText: name }).waitFor();
    }
    assert.equal(await page.getByTestId('dock-summary').textContent(), '2 files uploaded');
    await page.locator('[data-testid=card]', { hasText: 'first' }).getByTestId('duration').waitFor();
    await row(page, 'first.mp4').getByTestId('watch-link').click();
    await untilPlayer(page, ({ seconds }) => seconds > 0.3);
    // It has been looked at; the other one is still to be.
    assert.equal(await page.getByTestId('dock-summary').textContent(), '1 file uploaded');
    assert.deepEqual(page.troubles, []);
  });

  it('takes files that are dropped on the page', async () => {
    const page = await open();
    const data = await page.evaluateHandle(() => {
      const transfer = new DataTransfer();
      transfer.items.add(new File(['this is no video'], 'notes.txt', { type: 'text/plain' }));
      return transfer;
    });
    await page.dispatchEvent('body', 'dragenter', { dataTransfer: data });
    await page.getByTestId('drop-area').waitFor();
    await page.dispatchEvent('body', 'drop', { dataTransfer: data });
    await page.getByTestId('drop-area').waitFor({ state: 'detached' });
    // The server sees by its first bytes that it is none, and says so.
    await row(page, 'notes.txt', 'failed').waitFor();
    assert.match(await statusOf(page, 'notes.txt'), /\w+.*\.$/);
    assert.equal(await row(page, 'notes.txt').getByTestId('retry-upload').count(), 0);
    await page.getByTestId('dock-close').click();
    await page.getByTestId('dock').waitFor({ state: 'detached' });
  });

  it('pauses one, goes on with it, and lets the next one begin meanwhile', async () => {
    const page = await open();
    const setSpeed = await lineOf(page);
    await setSpeed(SLOW);
    await choose(page, await bigFile('a.mp4'), await bigFile('b.mp4'), await bigFile('c.mp4'));
    await untilSent(page, 'a.mp4', 0.05);
    assert.equal(await row(page, 'c.mp4').getAttribute('data-state'), 'waiting');
    assert.match(await statusOf(page, 'a.mp4'), / of 3\.0 MB/);
    await row(page, 'a.mp4').getByTestId('pause').focus();
    await page.keyboard.press('Enter');
    // The same button goes on with it, so the focus must have stayed.
    await page.locator('[data-testid=resume]:focus').waitFor();
    await untilSent(page, 'c.mp4', 0.02);
    const paused = await sentOf(page, 'a.mp4');
    await page.locator('[data-testid=card]', { hasText: 'a' }).getByText('Paused').waitFor();
    for (const name of ['b.mp4', 'c.mp4']) await row(page, name).getByTestId('cancel').click();
    assert.equal(await sentOf(page, 'a.mp4'), paused);
    await setSpeed(NO_LIMIT);
    await row(page, 'a.mp4').getByTestId('resume').click();
    await row(page, 'a.mp4', 'done').waitFor();
    // What was cancelled is nowhere any more.
    await page.waitForFunction(() => document.querySelectorAll('[data-testid=card]').length === 1);
    assert.equal((await server.videos()).length, 1);
  });

  it('goes on after a reload, with what had arrived, once the file is chosen again', async () => {
    const page = await open();
    const setSpeed = await lineOf(page);
    await setSpeed(SLOW);
    const file = await bigFile('lake.mp4');
    await choose(page, file);
    await untilSent(page, 'lake.mp4', 0.1);
    // Leaving while bytes are on their way is asked about.
    const asked = page.waitForEvent('dialog');
    const reloaded = page.reload();
    const dialog = await asked;
    assert.equal(dialog.type(), 'beforeunload');
    await dialog.accept();
    await reloaded;
    await row(page, 'lake.mp4', 'left').waitFor();
    const arrived = await sentOf(page, 'lake.mp4');
    assert.ok(arrived > 0.03, `only ${arrived} of it had arrived`);
    await setSpeed(NO_LIMIT);

    const other = await sampleFile('other.mp4');
    await chooseWith(page, row(page, 'lake.mp4').getByTestId('choose-again'), [other]);
    await row(page, 'lake.mp4').getByText('That is another file').waitFor();

    const offsets: number[] = [];
    page.on('request', (request) => {
      if (request.method() === 'PATCH') offsets.push(Number(request.headers()['upload-offset']));
    });
    await chooseWith(page, row(page, 'lake.mp4').getByTestId('choose-again'), [file]);
    await row(page, 'lake.mp4', 'done').waitFor();
    assert.ok(offsets[0]! >= arrived * FILE_BYTES - 1, `it went on at ${offsets}`);
    assert.equal((await server.videos()).length, 1);
    await page.reload();
    await page.locator('[data-testid=card]', { hasText: 'lake' }).waitFor();
    assert.equal(await page.getByTestId('dock').count(), 0);
  });

  it('goes on by itself after the connection broke', async () => {
    const page = await open();
    const setSpeed = await lineOf(page);
    await setSpeed(SLOW);
    await choose(page, await bigFile('broken.mp4'));
    await untilSent(page, 'broken.mp4', 0.05);
    await setSpeed(NO_LIMIT);
    proxy.cutUploads();
    // It is tried again after ever longer pauses.
    await row(page, 'broken.mp4', 'done').waitFor({ timeout: 60_000 });
    assert.equal((await server.videos()).length, 1);
  });

  it('keeps uploading while one watches something else', async () => {
    const page = await open();
    await choose(page, await sampleFile('seen.mp4'));
    await row(page, 'seen.mp4', 'done').waitFor();
    const setSpeed = await lineOf(page);
    await setSpeed(SLOW);
    await choose(page, await bigFile('sent.mp4'));
    await untilSent(page, 'sent.mp4', 0.02);
    await page.locator('[data-testid=card]', { hasText: 'seen' }).locator('a').click();
    await untilPlayer(page, ({ seconds }) => seconds > 0.3);
    assert.match((await page.getByTestId('dock-summary').textContent()) ?? '', /^Uploading 1 file/);
    await page.getByTestId('dock-toggle').click();
    const earlier = await sentOf(page, 'sent.mp4');
    await untilSent(page, 'sent.mp4', earlier + 0.02);
    await row(page, 'sent.mp4').getByTestId('cancel').click();
    await row(page, 'sent.mp4').waitFor({ state: 'detached' });
  });

  it('does not offer in a second tab what the first one is sending', async () => {
    const page = await open();
    const setSpeed = await lineOf(page);
    await setSpeed(SLOW);
    await choose(page, await bigFile('mine.mp4'));
    await untilSent(page, 'mine.mp4', 0.02);
    const second = await page.context().newPage();
    await second.goto(proxy.url);
    await second
      .locator('[data-testid=card]', { hasText: 'mine' })
      .getByText(/Uploading \d+%/)
      .waitFor();
    assert.equal(await second.getByTestId('dock').count(), 0);
  });

  it('says why a link is not taken', async () => {
    const page = await open();
    await page.getByTestId('add-link').click();
    await page.getByTestId('link-address').fill('file:///etc/passwd');
    await page.getByTestId('link-add').click();
    await page.getByText('has to begin with http').waitFor();
    // The server's own refusal: nobody may send it to addresses of its own network.
    await page.getByTestId('link-address').fill('http://127.0.0.1:9/video.mp4');
    await page.getByTestId('link-add').click();
    await page.getByTestId('link-problem').getByText('private networks').waitFor();
    await page.keyboard.press('Escape');
    await page.getByTestId('link-dialog').waitFor({ state: 'detached' });
    assert.equal((await server.videos()).length, 0);
  });

  it('asks for the key where the server wants one, and goes on with it', async () => {
    await using guarded = await serverFolders();
    await using locked = await startServer(guarded, { SLUICE_API_KEY: KEY });
    const door = await startProxy(dist, locked.url);
    try {
      const page = await newPage(browser, door.url);
      await page.goto(door.url);
      await choose(page, await sampleFile('locked.mp4'));
      await row(page, 'locked.mp4', 'failed').waitFor();
      await page.getByTestId('key').fill(KEY);
      await page.keyboard.press('Enter');
      await row(page, 'locked.mp4', 'done').waitFor();
    } finally {
      door.close();
    }
  });

  it('fetches the code for uploads with the first file, and not before', async () => {
    const page = await newPage(browser, proxy.url);
    const scripts: string[] = [];
    page.on('request', (request) => {
      if (request.resourceType() === 'script') scripts.push(request.url());
    });
    await page.goto(proxy.url);
    await page.getByText('No videos yet').waitFor();
    assert.equal(scripts.length, 1, `fetched ${scripts}`);
    await choose(page, await sampleFile('code.mp4'));
    await row(page, 'code.mp4', 'done').waitFor();
    assert.ok(scripts.length > 1);
  });

  async function open(): Promise<WatchedPage> {
    const page = await newPage(browser, proxy.url);
    await page.goto(proxy.url);
    await page.getByTestId('upload').waitFor();
    return page;
  }

  /** A small video, under a name of its own. */
  async function sampleFile(name: string): Promise<string> {
    const file = join(folder, 'files', name);
    await copyFile(SAMPLE, file);
    return file;
  }

  /**
   * A video with nothing in particular behind it. One that is none would be `failed` as soon as the server has looked at
   * it, which may be before anybody sees that it was `done`.
   */
  async function bigFile(name: string): Promise<string> {
    const file = join(folder, 'files', name);
    const sample = await readFile(SAMPLE);
    const bytes = Buffer.alloc(FILE_BYTES);
    sample.copy(bytes);
    // ISO/IEC 14496-12, 8.1.2: a box that means nothing.
    bytes.writeUInt32BE(FILE_BYTES - sample.length, sample.length);
    bytes.write('free', sample.length + 4, 'latin1');
    await writeFile(file, bytes);
    return file;
  }
});

function row(page: Page, name: string, state?: string) {
  const wanted = state === undefined ? '' : `[data-state=${state}]`;
  return page.locator(`[data-testid=upload-row][data-name="${name}"]${wanted}`);
}

function choose(page: Page, ...files: string[]): Promise<void> {
  return chooseWith(page, page.getByTestId('upload'), files);
}

async function chooseWith(page: Page, button: { click(): Promise<void> }, files: string[]): Promise<void> {
  const [chooser] = await Promise.all([page.waitForEvent('filechooser'), button.click()]);
  await chooser.setFiles(files);
}

async function statusOf(page: Page, name: string): Promise<string> {
  return (await row(page, name).getByTestId('upload-status').textContent()) ?? '';
}

/** 0 to 1, as its bar shows it. */
function sentOf(page: Page, name: string): Promise<number> {
  return row(page, name)
    .locator('.meter i')
    .evaluate((bar: HTMLElement) => Number.parseFloat(bar.style.scale));
}

async function untilSent(page: Page, name: string, fraction: number): Promise<void> {
  const end = Date.now() + 20_000;
  while ((await sentOf(page, name)) < fraction) {
    if (Date.now() > end) throw new Error(`${name} stays at ${await row(page, name).innerText()}`);
    await page.waitForTimeout(50);
  }
}

/** Sets how many bytes a second the page may send, from the next request on. */
async function lineOf(page: Page): Promise<(bytesPerSecond: number) => Promise<void>> {
  const session = await page.context().newCDPSession(page);
  await session.send('Network.enable');
  return async (uploadThroughput) => {
    const rest = { offline: false, latency: 0, downloadThroughput: NO_LIMIT };
    await session.send('Network.emulateNetworkConditions', { ...rest, uploadThroughput });
  };
}
