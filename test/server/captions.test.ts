import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { callJson, type RealCatalogServer, startRealCatalog } from './real-catalog.ts';
import { getJson, rawRequest, VIDEO_ID } from './support.ts';

const WEBVTT = 'WEBVTT\n\n00:01.000 --> 00:02.000\nHello\n';
const SUBRIP = '1\r\n00:00:01,000 --> 00:00:02,000\r\nSchöne <i>Grüße</i><script>\r\n';

suite('captions of a video', () => {
  let server: RealCatalogServer;
  before(async () => {
    server = await startRealCatalog();
  });
  after(() => server[Symbol.asyncDispose]());

  async function put(
    language: string,
    body: string | Uint8Array<ArrayBuffer> | FormData | ReadableStream,
    options: { type?: string | undefined; query?: string } = {},
  ) {
    const { query = '', type = body instanceof FormData ? undefined : 'text/vtt' } = options;
    const response = await fetch(`${server.videoUrl}/captions/${language}${query}`, {
      method: 'PUT',
      body,
      ...(type === undefined ? {} : { headers: { 'Content-Type': type } }),
      ...(body instanceof ReadableStream ? { duplex: 'half' } : {}),
    } as RequestInit);
    return { status: response.status, json: JSON.parse(await response.text()) };
  }

  const listed = async () => (await getJson(server.videoUrl)).json.captions;
  const remove = (language: string) => callJson(`${server.videoUrl}/captions/${language}`, 'DELETE');

  test('are added, listed, played, replaced under another address, and removed', async () => {
    assert.deepEqual(await listed(), []);
    const without = await textAt(server.playbackUrl('hls/main.m3u8'));
    const added = await put('EN-us', WEBVTT);
    assert.equal(added.status, 201);
    const { url, ...rest } = added.json;
    assert.deepEqual(rest, {
      language: 'en-US',
      label: 'English (United States)',
      kind: 'subtitles',
      origin: 'uploaded',
      isDefault: false,
      isForced: false,
    });
    assert.deepEqual(await listed(), [added.json]);
    const text = await textAt(url);
    assert.match(text.text, /^WEBVTT\n.*\n\n00:00:01\.000 --> 00:00:02\.000\nHello\n$/);
    assert.equal(text.headers.get('content-type'), 'text/vtt; charset=utf-8');
    assert.match(text.headers.get('cache-control') ?? '', /immutable/);
    assert.equal(text.headers.get('access-control-allow-origin'), '*');

    const withThem = await textAt(server.playbackUrl('hls/main.m3u8'));
    assert.notEqual(withThem.headers.get('etag'), without.headers.get('etag'));
    assert.match(withThem.text, /TYPE=SUBTITLES.*LANGUAGE="en-US"/);
    assert.match((await textAt(server.playbackUrl('dash/manifest.mpd'))).text, /contentType="text"/);

    const query = '?label=Kommentar&kind=captions&default=true';
    const replaced = await put('en-US', SUBRIP, { type: 'application/x-subrip', query });
    assert.equal(replaced.status, 200);
    assert.notEqual(replaced.json.url, url);
    assert.deepEqual(await listed(), [replaced.json]);
    const { label, kind, isDefault } = replaced.json;
    assert.deepEqual([label, kind, isDefault], ['Kommentar', 'captions', true]);
    assert.match((await textAt(replaced.json.url)).text, /\nSchöne <i>Grüße<\/i>\n$/);
    assert.equal((await textAt(url)).status, 404);

    // One default at most.
    const other = await put('de', WEBVTT, { query: '?default=true' });
    assert.deepEqual(
      (await listed()).map((caption: { isDefault: boolean }) => caption.isDefault),
      [false, true],
    );
    assert.equal((await remove('de')).status, 204);
    assert.equal((await remove('en-us')).status, 204);
    assert.equal((await remove('en-us')).status, 404);
    assert.equal((await textAt(other.json.url)).status, 404);
    assert.deepEqual(await listed(), []);
    assert.deepEqual(await Array.fromAsync(server.texts.list(new AbortController().signal)), []);
    assert.equal((await textAt(server.playbackUrl('hls/main.m3u8'))).text, without.text);
  });

  test('come in any common encoding and wrapping', async () => {
    const texts: [language: string, encoding: string, text: string][] = [
      ['en', 'utf-16le', 'Hello there'],
      ['en', 'utf-16be', 'Hello there'],
      ['fr', 'windows-1252', 'Où est la bibliothèque ? À côté du théâtre, près du château.'],
      ['pl', 'windows-1250', 'Zażółć gęślą jaźń. Dzień dobry, proszę pana!'],
      ['pl', 'iso-8859-2', 'Zażółć gęślą jaźń. Dzień dobry, proszę pana!'],
      ['ru', 'windows-1251', 'Здравствуйте, как у вас дела? Это очень хорошо.'],
      ['ru', 'koi8-r', 'Здравствуйте, как у вас дела? Это очень хорошо.'],
      ['ja', 'shift_jis', 'こんにちは、元気ですか。今日はいい天気ですね。'],
      ['zh', 'gb18030', '你好，今天天气很好，我们去公园吧。'],
      ['zh-TW', 'big5', '你好，今天天氣很好，我們去公園吧。'],
      ['ko', 'euc-kr', '안녕하세요, 오늘은 날씨가 좋네요.'],
    ];
    for (const [language, encoding, text] of texts) {
      const file = encode(`1\r\n00:00:01,000 --> 00:00:02,000\r\n${text}\r\n`, encoding);
      const { status, json } = await put(language, file, { type: 'application/octet-stream' });
      assert.ok(status < 300, JSON.stringify(json));
      assert.ok((await textAt(json.url)).text.endsWith(`\n${text}\n`), `${encoding}: ${text}`);
    }
    const form = new FormData();
    form.set('file', new Blob(['\ufeff', SUBRIP]), 'film.srt');
    assert.match((await textAt((await put('de', form)).json.url)).text, /Grüße/);
    const untyped = await rawRequest(server.origin, `/api/v1/videos/${VIDEO_ID}/captions/de`, {
      method: 'PUT',
      headers: { 'content-length': '0' },
    });
    assert.equal(JSON.parse(untyped.body.toString()).code, 'captions_empty');
    await server.videos.update((await server.videos.listBySource('upload'))[0]!.id, { captions: [] });
  });

  test('are refused with a code each', async () => {
    const code = async (answer: ReturnType<typeof put>) => {
      const { status, json } = await answer;
      return `${status} ${json.code}`;
    };
    assert.equal(await code(put('en', '')), '422 captions_empty');
    assert.equal(await code(put('en', 'WEBVTT\n')), '422 captions_empty');
    assert.equal(await code(put('en', 'hello')), '422 captions_invalid');
    assert.equal(await code(put('en', bytes(4000))), '422 captions_not_text');
    assert.equal(await code(put('en', `WEBVTT\0${WEBVTT}`)), '422 captions_not_text');
    assert.equal(
      await code(put('en', '00:01.000 --> 00:02.000\nx\n\n'.repeat(60_000))),
      '413 captions_too_large',
    );
    assert.equal(await code(put('en', new Uint8Array(5_000_001))), '413 captions_too_large');
    const endless = new ReadableStream({ pull: (controller) => controller.enqueue(bytes(65_536)) });
    assert.equal(await code(put('en', endless)), '413 captions_too_large');
    assert.equal(await code(put('en', '{}', { type: 'application/json' })), '415 unsupported_media_type');
    assert.equal(await code(put('english', WEBVTT)), '400 invalid_request');
    assert.equal(await code(put('e%2Fn', WEBVTT)), '400 invalid_request');
    assert.equal(await code(put('en', WEBVTT, { query: '?kind=poem' })), '400 invalid_request');
    assert.equal(await code(put('en', WEBVTT, { query: '?label=a%0Ab' })), '400 invalid_request');
    assert.equal(await code(put('en', new FormData())), '400 invalid_request');
    assert.deepEqual(await listed(), []);
    const missing = `${server.origin}/api/v1/videos/vid_${'0'.repeat(32)}/captions/en`;
    assert.equal((await fetch(missing, { method: 'PUT', body: WEBVTT })).status, 404);
    for (const path of ['captions', 'captions/en-0.vtt', 'captions/a/b.vtt', 'captions/..%2Fx.vtt'])
      assert.equal((await textAt(server.playbackUrl(path))).status, 404, path);
  });

  test('are changed by several people at once, and none is lost', async () => {
    const tags = ['cs', 'da', 'de', 'en', 'es', 'fi', 'fr', 'it', 'nl', 'sv'];
    const answers = await Promise.all(tags.map((language) => put(language, WEBVTT)));
    assert.ok(answers.every(({ status }) => status === 201));
    assert.deepEqual((await listed()).map(({ language }: { language: string }) => language).sort(), tags);
    assert.equal((await callJson(server.videoUrl, 'DELETE')).status, 204);
    await server.onIdle();
    assert.deepEqual(await Array.fromAsync(server.texts.list(new AbortController().signal)), []);
  });
});

/** By the table of the decoder, read backwards. */
function encode(text: string, encoding: string): Uint8Array<ArrayBuffer> {
  if (encoding === 'utf-16le') return Uint8Array.from(Buffer.from(text, 'utf16le'));
  if (encoding === 'utf-16be') return Uint8Array.from(Buffer.from(text, 'utf16le').swap16());
  const decoder = new TextDecoder(encoding);
  const table = new Map<string, readonly number[]>();
  const note = (...found: number[]) => {
    const decoded = decoder.decode(Uint8Array.from(found));
    if (!table.has(decoded)) table.set(decoded, found);
  };
  for (let first = 0; first < 256; first++) {
    note(first);
    if (first > 0x80) for (let second = 0x40; second < 256; second++) note(first, second);
  }
  return Uint8Array.from([...text].flatMap((character) => table.get(character) ?? assert.fail(character)));
}

async function textAt(url: string) {
  const response = await fetch(url);
  return { status: response.status, headers: response.headers, text: await response.text() };
}

/** Of every value, as no text has them. */
function bytes(length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, index) => (index * 7919) % 256);
}
