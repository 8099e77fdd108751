/** Videos from addresses: what is fetched, what is gone on with, and where nothing is fetched from. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Video } from '../../src/catalog/video.ts';
import { httpFiles, type HttpFilesOptions } from '../../src/remote/http-files.ts';
import { isPublicAddress } from '../../src/remote/public-address.ts';
import { until } from '../e2e/real-server.ts';
import { temporaryFolder } from '../storage/temporary-folder.ts';
import { type Answer, fileAnswer, type FileHost, redirectAnswer, startFileHost } from './file-host.ts';
import { assertProblem, filmBytes, type Rig, type RigOptions, sha256Of, startRig } from './rig.ts';

const FILM = filmBytes(2_000_000);

describe('a video from an address', () => {
  test('is what lies there', async () => {
    await using made = await rigged({ '/films/my%20film.mp4': fileAnswer(FILM) });
    const answer = await post(made.rig, `${made.host.origin}/films/my%20film.mp4?key=1#t=5`, {
      title: 'A title',
    });
    assert.equal(answer.status, 201);
    const created = (await answer.json()) as { id: string; title: string; status: string; source: object };
    assert.equal(answer.headers.get('location'), `/api/v1/videos/${created.id}`);
    assert.equal(created.title, 'A title');
    const video = await settled(made.rig, created.id);
    assert.equal(video.source.name, 'my film.mp4');
    assert.equal(await made.rig.sha256(video.id), sha256Of(FILM));
    assert.deepEqual(made.rig.arrived, [video]);
    assert.ok(made.rig.events.some(({ type }) => type === 'upload-progress'));
  });

  test('has the name that its server gives it', async () => {
    await using made = await rigged({
      '/a': namedAnswer('attachment; filename="a film.mkv"'),
      '/b': namedAnswer(`attachment; filename="b"; filename*=UTF-8''%E2%82%AC%20film.mkv`),
      '/c': namedAnswer('attachment; filename=../../etc/passwd'),
    });
    const names: string[] = [];
    for (const path of ['/a', '/b', '/c']) {
      names.push((await pulled(made.rig, made.host.origin + path)).source.name);
    }
    assert.deepEqual(names, ['a film.mkv', '€ film.mkv', 'passwd']);
  });

  test('is gone on with after the connection breaks', async () => {
    await using made = await rigged({ '/film.mp4': fileAnswer(FILM, { breaks: 3, eachBytes: 300_000 }) });
    const video = await pulled(made.rig, `${made.host.origin}/film.mp4`);
    assert.equal(video.status, 'inspecting');
    assert.equal(await made.rig.sha256(video.id), sha256Of(FILM));
    const starts = made.host.requests.map(({ range }) => Number(/\d+/.exec(range ?? '0')?.[0]));
    assert.equal(starts.length, 4);
    assert.deepEqual(
      starts,
      starts.toSorted((a, b) => a - b),
      'each goes on behind the one before',
    );
    assert.ok((starts[3] ?? 0) > 600_000);
  });

  test('begins again where the file was changed in between', async () => {
    const other = filmBytes(1_500_000).fill(7, 100);
    await using made = await rigged({
      '/film.mp4': (request, response, count) =>
        count === 0
          ? fileAnswer(FILM, { breaks: 1, eachBytes: 300_000 })(request, response, count)
          : fileAnswer(other, { etag: '"two"' })(request, response, count),
    });
    const video = await pulled(made.rig, `${made.host.origin}/film.mp4`);
    assert.equal(video.source.bytes, 1_500_000);
    assert.equal(await made.rig.sha256(video.id), sha256Of(other));
  });

  test('begins again where its server knows no ranges, and where it does not name its bytes', async () => {
    const without: Answer = (_request, response, count) => {
      response.writeHead(200, {
        'content-length': FILM.length,
        ...(count === 0 ? {} : { etag: 'W/"weak"' }),
      });
      if (count > 0) return void response.end(FILM);
      response.write(FILM.subarray(0, 500_000), () => setTimeout(() => response.destroy(), 50));
    };
    await using made = await rigged({ '/film.mp4': without });
    const video = await pulled(made.rig, `${made.host.origin}/film.mp4`);
    assert.equal(await made.rig.sha256(video.id), sha256Of(FILM));
    assert.deepEqual(
      made.host.requests.map(({ range }) => range),
      [undefined, undefined],
    );
  });

  test('may be of unknown length, and behind redirects', async () => {
    await using made = await rigged({
      '/a': redirectAnswer('b/c?x=1'),
      '/b/c': redirectAnswer((count) => `/film.mp4?${count}`),
      '/film.mp4': (_request, response) => {
        response.writeHead(200);
        response.write(FILM.subarray(0, 1_000_000));
        setTimeout(() => response.end(FILM.subarray(1_000_000)), 50);
      },
    });
    const video = await pulled(made.rig, `${made.host.origin}/a`);
    assert.equal(video.source.name, 'film.mp4');
    assert.equal(await made.rig.sha256(video.id), sha256Of(FILM));
  });

  test('is gone on with after a restart of the server', async () => {
    await using folder = await temporaryFolder();
    const half: Answer = (request, response, count) => {
      if (count > 0) return fileAnswer(FILM)(request, response, count);
      response.writeHead(200, { etag: '"one"', 'content-length': FILM.length });
      response.write(FILM.subarray(0, 700_000));
    };
    await using host = await startFileHost({ '/film.mp4': half });
    await using remote = allowing();
    const first = await startRig(folder.path, { remote });
    const answer = await post(first, `${host.origin}/film.mp4`);
    const { id } = (await answer.json()) as { id: string };
    await until(
      'a part has arrived',
      5000,
      () =>
        first.events.some((event) => event.type === 'upload-progress' && event.receivedBytes > 0) ||
        undefined,
    );
    await new Promise((resolve) => setTimeout(resolve, 200));
    await first[Symbol.asyncDispose]();
    await using second = await startRig(folder.path, { remote });
    const video = await settled(second, id);
    assert.equal(video.status, 'inspecting');
    assert.equal(await second.sha256(id), sha256Of(FILM));
    assert.match(host.requests[1]?.range ?? '', /^bytes=[1-9]\d*-$/);
  });

  test('ends when its video is deleted', async () => {
    await using made = await rigged({
      '/film.mp4': (_request, response) => {
        response.writeHead(200, { 'content-length': FILM.length });
        response.write(FILM.subarray(0, 700_000));
      },
    });
    const answer = await post(made.rig, `${made.host.origin}/film.mp4`);
    const { id } = (await answer.json()) as { id: string };
    await until(
      'it has begun',
      5000,
      () => made.rig.events.some(({ type }) => type === 'upload-progress') || undefined,
    );
    const video = await made.rig.video(id);
    assert.ok(video);
    await made.rig.catalog.videos.delete(video.id);
    await made.rig.ingest.endUploadOf(video.id);
    await made.rig.assertEmpty();
  });
});

describe('nothing is fetched', () => {
  const INSIDE = [
    'http://127.0.0.1/a.mp4',
    'http://127.1/a.mp4',
    'http://2130706433/a.mp4',
    'http://0x7f.0.0.1/a.mp4',
    'http://0.0.0.0/a.mp4',
    'http://169.254.169.254/latest/meta-data/',
    'http://10.1.2.3/a.mp4',
    'http://172.16.0.1/a.mp4',
    'http://192.168.1.1/a.mp4',
    'http://100.100.100.200/latest/meta-data/',
    'http://168.63.129.16/a.mp4',
    'http://224.0.0.1/a.mp4',
    'http://[::1]/a.mp4',
    'http://[::]/a.mp4',
    'http://[::ffff:127.0.0.1]/a.mp4',
    'http://[::ffff:a9fe:a9fe]/a.mp4',
    'http://[::127.0.0.1]/a.mp4',
    'http://[64:ff9b::7f00:1]/a.mp4',
    'http://[64:ff9b:1::a00:1]/a.mp4',
    'http://[2002:7f00:1::]/a.mp4',
    'http://[fe80::1]/a.mp4',
    'http://[fd00:ec2::254]/a.mp4',
    'http://[fec0::1]/a.mp4',
    'http://[ff02::1]/a.mp4',
    'http://localhost/a.mp4',
  ];
  test('from addresses inside', async () => {
    await using made = await rigged({}, {}, {});
    for (const url of INSIDE) await assertProblem(await post(made.rig, url), 422, 'url_forbidden');
    await made.rig.assertEmpty();
  });

  test('from a name that means an address inside, also among others', async () => {
    const names: Record<string, readonly string[]> = {
      'inside.example': ['127.0.0.1'],
      'mapped.example': ['::ffff:10.0.0.1'],
      'both.example': ['::1', '192.168.0.1'],
    };
    await using made = await rigged({}, {}, { resolve: resolveFrom(names) });
    for (const name of Object.keys(names)) {
      await assertProblem(await post(made.rig, `http://${name}/a.mp4`), 422, 'url_forbidden');
    }
    await made.rig.assertEmpty();
  });

  test('from where a redirect leads inside, by number or by name', async () => {
    const targets = [
      'http://169.254.169.254/latest',
      'http://[::1]/',
      'http://inside.example/',
      '//10.0.0.1/',
    ];
    const answers = Object.fromEntries(targets.map((to, index) => [`/${index}`, redirectAnswer(to)]));
    const resolve = resolveFrom({ 'inside.example': ['127.0.0.2'] });
    await using made = await rigged(answers, {}, { isAllowed: isHost, resolve });
    for (const index of targets.keys()) {
      await assertProblem(await post(made.rig, `${made.host.origin}/${index}`), 422, 'url_forbidden');
    }
    assert.equal(made.host.requests.length, targets.length);
    await made.rig.assertEmpty();
  });

  test('by a name that means another address when it is asked for again', async () => {
    let asked = 0;
    const rebinding: HttpFilesOptions['resolve'] = (_name, done) => {
      asked++;
      done(null, [{ address: asked === 1 ? '127.0.0.1' : '127.0.0.2', family: 4 }]);
    };
    const seen: string[] = [];
    const isAllowed = (address: string): boolean => seen.push(address) > 0 && address === '127.0.0.1';
    await using made = await rigged({ '/film.mp4': fileAnswer(FILM) }, {}, { isAllowed, resolve: rebinding });
    await pulled(made.rig, `http://rebinding.example:${made.host.port}/film.mp4`);
    assert.equal(asked, 1, 'a name is resolved once for a connection');
    assert.ok(seen.every((address) => address === '127.0.0.1'));
  });

  test('that is no http or https address', async () => {
    await using made = await rigged({ '/out': redirectAnswer('file:///etc/passwd') });
    const urls = [
      'file:///etc/passwd',
      'ftp://example.org/a',
      'data:video/mp4,x',
      'a.mp4',
      '',
      'http://',
      'http://u:p@example.org/',
    ];
    for (const url of [...urls, `${made.host.origin}/out`]) {
      await assertProblem(await post(made.rig, url), 400, 'invalid_request');
    }
    const wrong = [
      {},
      { source: {} },
      { source: { url: 5 } },
      { source: { url: 'http://a/' }, file: 'x' },
      5,
    ];
    for (const body of wrong) {
      const answer = await fetch(`${made.rig.origin}/api/v1/videos`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(body),
      });
      await assertProblem(answer, 400, 'invalid_request');
    }
    await made.rig.assertEmpty();
  });

  test('that goes round in a circle, is not there, is compressed, or does not answer', async () => {
    await using made = await rigged({
      '/circle': redirectAnswer('/circle'),
      '/compressed': (_request, response) => {
        response.writeHead(200, { 'content-encoding': 'gzip' });
        response.end('x');
      },
      '/broken': (_request, response) => void response.destroy(),
    });
    for (const path of ['/circle', '/missing', '/compressed', '/broken']) {
      await assertProblem(await post(made.rig, made.host.origin + path), 502, 'url_unreachable');
    }
    await assertProblem(await post(made.rig, 'http://127.0.0.1:1/a.mp4'), 502, 'url_unreachable');
    assert.equal(made.host.requests.filter(({ path }) => path === '/circle').length, 6);
    await made.rig.assertEmpty();
  });

  test('that says it is too large, or empty', async () => {
    await using made = await rigged(
      { '/film.mp4': fileAnswer(FILM), '/empty': fileAnswer(new Uint8Array()) },
      { maxBytes: 1_000_000 },
    );
    await assertProblem(await post(made.rig, `${made.host.origin}/film.mp4`), 413, 'source_too_large');
    await assertProblem(await post(made.rig, `${made.host.origin}/empty`), 422, 'source_empty');
    await made.rig.assertEmpty();
  });
});

describe('a video fails, and nothing but its reason stays', () => {
  const FAILING: readonly [string, Answer, string][] = [
    ['whose body never ends', endlessly, 'source_too_large'],
    ['whose body stalls', stalling, 'url_unreachable'],
    ['whose body is empty', (_request, response) => void response.writeHead(200).end(), 'source_empty'],
    ['that is not a video', fileAnswer(Buffer.alloc(10_000, '<html>')), 'source_not_media'],
    ['whose connection always breaks', fileAnswer(FILM, { breaks: 1e9, eachBytes: 0 }), 'url_unreachable'],
    [
      'whose server loses it in between',
      (request, response, count) =>
        count > 0
          ? void response.writeHead(404).end()
          : fileAnswer(FILM, { breaks: 1, eachBytes: 300_000 })(request, response, count),
      'url_unreachable',
    ],
  ];
  for (const [name, answer, code] of FAILING) {
    test(name, async () => {
      await using made = await rigged(
        { '/film.mp4': answer },
        { maxBytes: 3_000_000 },
        { isAllowed: () => true, stallMs: 300 },
      );
      const video = await pulled(made.rig, `${made.host.origin}/film.mp4`);
      assert.equal(video.status, 'failed');
      assert.equal(video.error?.code, code);
      assert.ok(made.rig.events.some((event) => event.type === 'status' && event.status === 'failed'));
      await made.rig.catalog.videos.delete(video.id);
      await made.rig.assertEmpty();
    });
  }

  test('that would take too long', async () => {
    await using made = await rigged({ '/film.mp4': drippingly }, { pullTotalMs: 500 });
    const video = await pulled(made.rig, `${made.host.origin}/film.mp4`);
    assert.equal(video.error?.code, 'url_unreachable');
    assert.match(video.error?.message ?? '', /too long/);
  });
});

test('addresses of the open internet are public', () => {
  for (const address of [
    '1.1.1.1',
    '93.184.215.14',
    '2606:4700:4700::1111',
    '64:ff9b::101:101',
    '::ffff:1.1.1.1',
  ]) {
    assert.ok(isPublicAddress(address), address);
  }
  for (const address of [
    '',
    'localhost',
    '127.0.0.1',
    '4000::1',
    '2001:db8::1',
    '192.0.2.1',
    '255.255.255.255',
  ]) {
    assert.ok(!isPublicAddress(address), address);
  }
});

async function rigged(
  answers: Readonly<Record<string, Answer>>,
  options: RigOptions = {},
  files: HttpFilesOptions = { isAllowed: () => true },
): Promise<AsyncDisposable & { readonly rig: Rig; readonly host: FileHost }> {
  const folder = await temporaryFolder();
  const host = await startFileHost(answers);
  const remote = httpFiles(files);
  const rig = await startRig(folder.path, { remote, ...options });
  return {
    rig,
    host,
    async [Symbol.asyncDispose]() {
      await rig[Symbol.asyncDispose]();
      await remote[Symbol.asyncDispose]();
      await host[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

function allowing() {
  return httpFiles({ isAllowed: () => true });
}

function resolveFrom(
  names: Readonly<Record<string, readonly string[]>>,
): NonNullable<HttpFilesOptions['resolve']> {
  return (name, done) => {
    const addresses = (names[name] ?? []).map((address) => ({
      address,
      family: address.includes(':') ? 6 : 4,
    }));
    done(null, addresses);
  };
}

function post(rig: Rig, url: string, more: object = {}): Promise<Response> {
  return fetch(`${rig.origin}/api/v1/videos`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ source: { url }, ...more }),
  });
}

async function pulled(rig: Rig, url: string): Promise<Video> {
  const answer = await post(rig, url);
  const body = (await answer.json()) as { id: string };
  assert.equal(answer.status, 201, JSON.stringify(body));
  return settled(rig, body.id);
}

function settled(rig: Rig, id: string): Promise<Video> {
  return until('nothing more is fetched', 15_000, async () => {
    const video = await rig.video(id);
    return video?.status === 'uploading' ? undefined : video;
  });
}

function endlessly(_request: unknown, response: Parameters<Answer>[1]): void {
  response.writeHead(200);
  response.write(FILM);
  const timer = setInterval(() => response.write(FILM.subarray(0, 100_000)), 5);
  response.on('close', () => clearInterval(timer));
}

function stalling(_request: unknown, response: Parameters<Answer>[1]): void {
  response.writeHead(200, { 'content-length': FILM.length, etag: '"x"' });
  response.write(FILM.subarray(0, 1000));
}

/** Each piece comes in time, and yet there is no end to it. */
function drippingly(_request: unknown, response: Parameters<Answer>[1]): void {
  response.writeHead(200, { 'content-length': FILM.length });
  let at = 0;
  const timer = setInterval(() => response.write(FILM.subarray(at, (at += 1000))), 20);
  response.on('close', () => clearInterval(timer));
}

function namedAnswer(header: string): Answer {
  return (request, response, count) => {
    response.setHeader('content-disposition', header);
    fileAnswer(FILM)(request, response, count);
  };
}

/** Takes the host of this test for the outside. */
function isHost(address: string): boolean {
  return address === '127.0.0.1';
}
