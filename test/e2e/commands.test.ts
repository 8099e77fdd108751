/** `sluice export`, `import` and `doctor`, as people run them: beside a running server, and without one. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, dirname, extname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { makeSource } from '../fixtures/source.ts';
import { s3ServerSkip, startS3Server } from '../storage/s3-server.ts';
import { temporaryFolder } from '../storage/temporary-folder.ts';
import { launchBrowser, skip as skipWithoutBrowser } from '../web/site.ts';
import { frameTimes, skipWithoutFfmpeg } from './judge.ts';
import {
  type ApiVideo,
  type RealServer,
  type ServerFolders,
  serverFolders,
  startServer,
  until,
} from './real-server.ts';
import { deploymentOf, isShared, objectsFolder } from './shared-deployment.ts';
import { fetchAll, hlsTracks } from './served-tracks.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const SECONDS = 6;
const FRAMES = 180;
/** Where nothing listens. */
const NO_SERVER = { SLUICE_PORT: '1' };

describe('commands', { skip: skipWithoutFfmpeg, timeout: 300_000 }, () => {
  const cleanUp = new AsyncDisposableStack();
  let scratch: string;
  let source: string;
  let folders: ServerFolders;
  let server: RealServer;
  let video: ApiVideo;
  let exported: string;
  /** Before there was a server. */
  let imported: Run;

  before(async () => {
    scratch = cleanUp.use(await temporaryFolder()).path;
    source = join(scratch, 'Kurz & gut.mp4');
    exported = join(scratch, 'exported');
    await makeSource(source, [
      { kind: 'video', width: 426, height: 240, seconds: SECONDS },
      { kind: 'audio', seconds: SECONDS },
    ]);
    folders = cleanUp.use(await serverFolders());
    imported = await sluice(folders, ['import', scratch]);
    server = cleanUp.use(await startServer(folders));
    video = await server.video(basename(source));
  });

  after(() => cleanUp.disposeAsync());

  test('import without a server, and the next one finds it', async () => {
    assert.equal(imported.code, 0, imported.output);
    assert.match(imported.output, /^no server answers/);
    assert.ok(imported.output.endsWith(`${video.id}  ${source}\n`), imported.output);
    assert.deepEqual([video.title, video.status], ['Kurz & gut', 'playable']);
    assert.ok((await storedSource(folders, video.id)).equals(await readFile(source)));
  });

  test('export encodes what is missing, beside a running server, and writes what players fetch', async () => {
    const formats = ['--formats', 'hls,dash,hls-ts'];
    const { code, output } = await sluice(folders, ['export', video.id, '--to', exported, ...formats]);
    assert.equal(code, 0, output);
    assert.match(output, /chunks encoded/);
    assert.ok(output.includes(join(exported, 'hls', 'main.m3u8')), output);
    await using site = await serveFolder(exported);
    for (const entry of ['hls/main.m3u8', 'dash/manifest.mpd', 'hls-ts/main.m3u8']) {
      assert.equal((await frameTimes(site.url + entry, 'v:0')).length, FRAMES, entry);
      assert.ok((await frameTimes(site.url + entry, 'a:0')).length > (SECONDS - 0.1) * 46, entry);
    }
    assert.deepEqual(site.missing, []);
    for (const picture of ['poster.jpg', 'storyboard.vtt']) {
      assert.ok((await stat(join(exported, picture))).size > 0, picture);
    }
    // What the command stored is the server's, too.
    await fetchAll(await hlsTracks(video.playback.hls!));
    assert.equal((await server.video(basename(source))).playback.mp4?.length, 1);
  });

  test('export again writes only what is new, and what a break left short', async () => {
    await writeFile(join(exported, 'hls', 'main.m3u8'), '#EXTM3U');
    const again = await sluice(folders, ['export', video.id, '--to', exported, '--formats', 'hls,dash,mp4']);
    assert.match(again.output, /^2 files written, [1-9]\d+ were there already/m);
    assert.equal((await frameTimes(join(exported, 'mp4', '240p.mp4'), 'v:0')).length, FRAMES);
    assert.ok((await stat(join(exported, 'hls', 'main.m3u8'))).size > 100);
  });

  test('export to a bucket, whose objects a plain web server can hand out', {
    skip: s3ServerSkip(),
  }, async () => {
    await using bucket = await publicBucket(folders.data);
    const formats = ['--formats', 'hls,dash,hls-ts'];
    const args = ['export', video.id, '--to', 's3://public/films/one', ...formats];
    const environment = { ...NO_SERVER, ...bucket.environment };
    const { code, output } = await sluice(folders, args, environment);
    assert.equal(code, 0, output);
    assert.match(output, /^ {2}s3:\/\/public\/films\/one\/dash\/manifest\.mpd$/m);
    const folder = join(bucket.folder, 'films', 'one');
    await using site = await serveFolder(folder);
    for (const entry of ['hls/main.m3u8', 'dash/manifest.mpd', 'hls-ts/main.m3u8'])
      assert.equal((await frameTimes(site.url + entry, 'v:0')).length, FRAMES, entry);
    assert.deepEqual(site.missing, []);
    assert.match((await sluice(folders, args, environment)).output, /^0 files written, [1-9]/m);
  });

  test('what was exported plays in hls.js', { skip: skipWithoutBrowser }, async () => {
    await using site = await serveFolder(
      exported,
      await readFile(join(ROOT, 'node_modules/hls.js/dist/hls.js')),
    );
    await using browser = await launchBrowser();
    const page = await browser.newPage();
    await page.goto(`${site.url}player.html`);
    await page.waitForFunction('document.querySelector("video").ended', undefined, { timeout: 60_000 });
    assert.deepEqual(site.missing, []);
  });

  test('what cannot be done is said in one line', async () => {
    const { code, output } = await sluice(folders, [
      'export',
      video.id,
      '--to',
      exported,
      '--formats',
      'flv',
    ]);
    assert.deepEqual(
      [code, output],
      [1, 'sluice: there is no format "flv": there are hls, dash, hls-ts, mp4\n'],
    );
  });

  test('import through the running server, which begins with it at once', async () => {
    const text = join(scratch, 'notes.mp4');
    await writeFile(text, 'These are no pictures. '.repeat(100));
    const port = { SLUICE_PORT: new URL(server.url).port };
    const { code, output } = await sluice(folders, ['import', text, source], port);
    assert.equal(code, 1, output);
    assert.match(output, /^sluice: .*notes\.mp4: /m);
    const id = /^(vid_[0-9a-f]{32}) {2}.*Kurz & gut\.mp4$/m.exec(output)?.[1];
    const found = await until('it is inspected', 60_000, async () => {
      const added = (await server.videos()).find((candidate) => candidate.id === id);
      return added?.status === 'playable' ? added : undefined;
    });
    assert.equal(found.title, 'Kurz & gut');
    assert.ok((await storedSource(folders, id!)).equals(await readFile(source)));
  });

  test('doctor says what is fine and what is not', async () => {
    const environment = { SLUICE_PORT: new URL(server.url).port, SLUICE_MIN_FREE_BYTES: '900000G' };
    const wrong = { ...folders, library: join(scratch, 'not there') };
    const { code, output } = await sluice(wrong, ['doctor'], environment);
    assert.equal(code, 1, output);
    const lines = output.trimEnd().split('\n');
    assert.deepEqual(
      lines.map((line) => /^(ok {4}|FAILED) {2}([A-Z][\w. ]+): ./.exec(line)?.slice(1).join(' ')),
      [
        'ok     Node.js',
        'ok     FFmpeg',
        'ok     Data folder',
        'FAILED Library',
        // A bucket does not say how much is free.
        `${isShared ? 'ok    ' : 'FAILED'} Free space`,
        'ok     Database',
        'ok     Store',
        'ok     Address',
      ],
    );
    assert.match(output, /a server is running at http/);
  });
});

type Run = { readonly code: number; readonly output: string };

/** Everything that it says, in both streams, in no sure order between them. */
async function sluice(
  { library, data }: { readonly library: string; readonly data: string },
  args: readonly string[],
  environment: Readonly<Record<string, string>> = NO_SERVER,
): Promise<Run> {
  const env = {
    PATH: process.env['PATH'],
    SLUICE_LIBRARY: library,
    SLUICE_DATA: data,
    ...(await deploymentOf(data)),
    ...environment,
  };
  return new Promise((resolve) => {
    execFile(process.execPath, ['src/main.ts', ...args], { cwd: ROOT, env }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), output: stderr + stdout });
    });
  });
}

/** A bucket called `public`, each object of which is a file in `folder`, beside the buckets of the deployment. */
async function publicBucket(data: string) {
  const cleanUp = new AsyncDisposableStack();
  if (isShared) {
    const folder = join(dirname(await objectsFolder(data)), 'public');
    await mkdir(folder);
    return Object.assign(cleanUp, { folder, environment: {} });
  }
  const s3 = cleanUp.use(await startS3Server());
  const { credentials } = await s3.bucket('public');
  const environment = {
    AWS_ENDPOINT_URL_S3: s3.endpoint,
    AWS_ACCESS_KEY_ID: credentials!.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials!.secretAccessKey,
  };
  return Object.assign(cleanUp, { folder: join(s3.folder, 'public'), environment });
}

/** The bytes of an upload, as they lie in the store. */
async function storedSource({ data }: { readonly data: string }, id: string): Promise<Buffer> {
  return readFile(join(await objectsFolder(data), 'sources', id));
}

const TYPES: Readonly<Record<string, string>> = { '.html': 'text/html', '.js': 'text/javascript' };

/** A plain web server: files as they are. With `library` as hls.js, and a page that plays. */
async function serveFolder(folder: string, library?: Buffer) {
  const missing: string[] = [];
  const page = `<video muted></video><script src="hls.js"></script><script>
    const hls = new Hls();
    hls.loadSource('hls/main.m3u8');
    const video = document.querySelector('video');
    hls.attachMedia(video);
    hls.on(Hls.Events.MANIFEST_PARSED, () => { video.playbackRate = 2; video.play(); });
  </script>`;
  const pages: Readonly<Record<string, string | Buffer | undefined>> = {
    '/player.html': page,
    '/hls.js': library,
  };
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    const headers = { 'content-type': TYPES[extname(path)] ?? 'application/octet-stream' };
    const own = pages[path];
    if (own !== undefined) return void response.writeHead(200, headers).end(own);
    const file = createReadStream(join(folder, path));
    file.once('open', () => response.writeHead(200, headers));
    file.once('error', () => {
      if (path !== '/favicon.ico') missing.push(path);
      response.writeHead(404).end();
    });
    file.pipe(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    missing,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
