/** The built pages, a faked server and a real browser, for one test file. */
import { type Browser, type BrowserContextOptions, type Page, chromium } from 'playwright-core';
import { requireTool } from '../tools.ts';
import { builtPages, madeStreams } from './made-once.ts';
import { type MockServer, startMockServer } from './mock-server.ts';

const ffmpeg = requireTool('ffmpeg');
const browserTool = requireTool('chromium');

/** Goes into the options of a suite. */
export const skip = ffmpeg.skip || browserTool.skip;

const CHROMIUM_FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export type Site = {
  readonly server: MockServer;
  /** A page of its own, with nothing remembered. Its troubles end up in `page.troubles`. */
  open(path: string, options?: BrowserContextOptions): Promise<WatchedPage>;
  /** Closes the pages of the last test and quiets the server, so that no test hears of another. */
  reset(): Promise<void>;
  close(): Promise<void>;
};

/** `troubles`: exceptions, errors on the console, requests to anywhere but the server. */
export type WatchedPage = Page & { readonly troubles: string[] };

/** Builds the pages from their sources as they are, makes the streams, starts server and browser. */
export async function startSite(): Promise<Site> {
  const [dist, streams, browser] = await Promise.all([
    builtPages(),
    madeStreams(ffmpeg.path),
    launchBrowser(),
  ]);
  const server = await startMockServer(dist, streams);
  return {
    server,
    open: (path, options) => openPage(browser, server.url, path, options),
    async reset() {
      await Promise.all(browser.contexts().map((context) => context.close()));
      server.reset();
    },
    async close() {
      await browser.close();
      server.close();
    },
  };
}

/** A Chromium that asks nothing of the network by itself. */
export function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: browserTool.path, args: CHROMIUM_FLAGS });
}

async function openPage(
  browser: Browser,
  base: string,
  path: string,
  options?: BrowserContextOptions,
): Promise<WatchedPage> {
  const page = await newPage(browser, base, options);
  await page.goto(base + path);
  return page;
}

/** A page with nothing remembered and nothing loaded, to go to addresses below `base`. */
export async function newPage(
  browser: Browser,
  base: string,
  options: BrowserContextOptions = {},
): Promise<WatchedPage> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  context.setDefaultTimeout(20_000);
  const troubles: string[] = [];
  const page = await context.newPage();
  page.on('pageerror', (error) => troubles.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') troubles.push(message.text());
  });
  page.on('request', (request) => {
    const url = request.url();
    if (!url.startsWith(base) && !url.startsWith('blob:')) troubles.push(`asked elsewhere: ${url}`);
  });
  return Object.assign(page, { troubles });
}
