/** Changing and deleting videos, and their encode maps, over a real catalog. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from '../fast-check.ts';
import type { SegmentState } from '../../src/pipeline/events.ts';
import { formatRuns } from '../../src/server/segments-view.ts';
import { parseVideoId } from '../../src/catalog/video.ts';
import { callJson, startRealCatalog } from './real-catalog.ts';
import { getJson, rawRequest, VIDEO_ID, videoOf } from './support.ts';

describe('PATCH /videos/{id}', () => {
  test('changes what is named, leaves the rest, and answers with all of it', async () => {
    await using server = await startRealCatalog();
    const before = (await getJson(server.videoUrl)).json;
    const { status, json, headers } = await callJson(server.videoUrl, 'PATCH', {
      title: '  A “new” title – 新  ',
      visibility: 'private',
    });
    assert.equal(status, 200);
    assert.equal(headers.get('cache-control'), 'no-store');
    assert.notEqual(json.updatedAt, before.updatedAt);
    const { updatedAt } = json;
    assert.deepEqual(json, { ...before, title: 'A “new” title – 新', visibility: 'private', updatedAt });
    assert.deepEqual((await getJson(server.videoUrl)).json, json, 'and it stays so');

    const described = await callJson(server.videoUrl, 'PATCH', { description: 'Line one\nand two 🎬' });
    assert.deepEqual(
      [described.json.title, described.json.description],
      [json.title, 'Line one\nand two 🎬'],
    );
    const nothing = await callJson(server.videoUrl, 'PATCH', {});
    assert.deepEqual([nothing.status, nothing.json.title], [200, json.title]);
  });

  test('takes a merge patch by its own name, and no other kind of body', async () => {
    await using server = await startRealCatalog();
    const send = (type: string) =>
      callJson(server.videoUrl, 'PATCH', { title: type }, { 'Content-Type': type });
    assert.equal((await send('application/merge-patch+json')).json.title, 'application/merge-patch+json');
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/json-patch+json']) {
      const { status, json } = await send(type);
      assert.deepEqual([status, json.code], [415, 'unsupported_media_type'], type);
    }
  });

  test('merges metadata, where null removes', async () => {
    await using server = await startRealCatalog();
    const patch = async (metadata: unknown) =>
      (await callJson(server.videoUrl, 'PATCH', { metadata })).json.metadata;
    assert.deepEqual(await patch({ a: '1', 'dc:creator': 'Ä', constructor: 'c' }), {
      a: '1',
      'dc:creator': 'Ä',
      constructor: 'c',
    });
    assert.deepEqual(await patch({ a: null, b: '' }), { 'dc:creator': 'Ä', constructor: 'c', b: '' });
    assert.deepEqual(await patch({ nothing: null }), { 'dc:creator': 'Ä', constructor: 'c', b: '' });
    assert.deepEqual(await patch({ constructor: null, b: null, 'dc:creator': null }), {});
  });

  test('loses none of many changes to metadata at once', async () => {
    await using server = await startRealCatalog();
    const names = Array.from({ length: 12 }, (_, n) => `n${n}`);
    const answers = await Promise.all(
      names.map((name) => callJson(server.videoUrl, 'PATCH', { metadata: { [name]: name } })),
    );
    assert.ok(answers.every(({ status }) => status === 200));
    const { json } = await getJson(server.videoUrl);
    assert.deepEqual(Object.keys(json.metadata).sort(), names.sort());
  });

  test('refuses what may not be, says which part, and changes nothing', async () => {
    await using server = await startRealCatalog();
    const before = (await getJson(server.videoUrl)).json;
    const many = Object.fromEntries(Array.from({ length: 51 }, (_, n) => [`n${n}`, 'x']));
    for (const [body, part] of [
      [{ title: '' }, 'title: '],
      [{ title: ' \t ' }, 'title: '],
      [{ title: 'x'.repeat(501) }, 'title: '],
      [{ title: 'two\nlines' }, 'title: '],
      [{ title: null }, 'title: '],
      [{ title: 5 }, 'title: '],
      [{ description: 'x'.repeat(10_001) }, 'description: '],
      [{ description: 'a\0b' }, 'description: '],
      [{ visibility: 'secret' }, 'visibility: '],
      [{ metadata: { a: 5 } }, 'metadata/a: '],
      [{ metadata: { a: 'x'.repeat(1001) } }, 'metadata/a: '],
      [{ metadata: { '': 'x' } }, 'metadata'],
      [{ metadata: { ['x'.repeat(65)]: 'x' } }, 'metadata'],
      ['{"metadata":{"__proto__":"x"}}', ''],
      [{ metadata: many }, 'metadata: '],
      [{ metadata: 'x' }, 'metadata: '],
      [{ title: 'good', status: 'ready' }, 'Unrecognized key: "status"'],
      [{ title: 'good', id: VIDEO_ID }, 'Unrecognized key: "id"'],
      [[], ''],
      ['{"title":', ''],
      ['', ''],
    ] as const) {
      const { status, json } = await callJson(server.videoUrl, 'PATCH', body);
      const what = JSON.stringify(body).slice(0, 60);
      assert.deepEqual([status, json.code], [400, 'invalid_request'], what);
      assert.ok(json.detail.startsWith(part), `${what}: ${json.detail}`);
    }
    assert.deepEqual((await getJson(server.videoUrl)).json, before);
  });

  test('takes what just fits', async () => {
    await using server = await startRealCatalog();
    const metadata = Object.fromEntries(
      Array.from({ length: 50 }, (_, n) => [`${n}`.padEnd(64, 'x'), 'ü'.repeat(1000)]),
    );
    const body = { title: 'ü'.repeat(500), description: 'ü'.repeat(10_000), metadata };
    const { status, json } = await callJson(server.videoUrl, 'PATCH', body);
    assert.equal(status, 200);
    assert.deepEqual(json.metadata, metadata);
    const more = await callJson(server.videoUrl, 'PATCH', { metadata: { more: 'x' } });
    assert.deepEqual([more.status, more.json.detail], [400, 'metadata: there are at most 50 entries']);
  });

  test('of a video that is not there', async () => {
    await using server = await startRealCatalog();
    const other = server.videoUrl.replace(VIDEO_ID, `vid_${'0'.repeat(32)}`);
    assert.equal((await callJson(other, 'PATCH', { title: 'x' })).status, 404);
    assert.equal((await callJson(`${server.videoUrl}0`, 'PATCH', { title: 'x' })).status, 404);
  });
});

describe('DELETE /videos/{id}', () => {
  test('leaves nothing to be found', async () => {
    await using server = await startRealCatalog();
    await server.encode('any', 0);
    const answer = await rawRequest(server.origin, new URL(server.videoUrl).pathname, { method: 'DELETE' });
    assert.deepEqual([answer.status, answer.body.length], [204, 0]);
    for (const path of ['', '/segments', '/events']) {
      const { status, json } = await getJson(server.videoUrl + path);
      assert.deepEqual([status, json.code], [404, 'not_found'], path);
    }
    for (const [method, body] of [['DELETE'], ['PATCH', { title: 'x' }]] as const) {
      assert.equal((await callJson(server.videoUrl, method, body)).status, 404, method);
    }
    assert.deepEqual((await getJson(`${server.origin}/api/v1/videos`)).json, { items: [] });
    const { signal } = new AbortController();
    assert.deepEqual(await server.segments.storedRevisions(signal), []);
  });

  test('refuses what lies in the library folder', async () => {
    await using server = await startRealCatalog();
    const id = parseVideoId(`vid_${'f'.repeat(32)}`);
    await server.videos.insert(videoOf({ id }));
    const url = server.videoUrl.replace(VIDEO_ID, id);
    const { status, json } = await callJson(url, 'DELETE');
    assert.deepEqual([status, json.code], [400, 'invalid_request']);
    assert.match(json.detail, /library/);
    assert.equal((await getJson(url)).status, 200);
  });
});

describe('GET /videos/{id}/segments', () => {
  test('says what is stored, what is being encoded, and what waits', async () => {
    await using server = await startRealCatalog();
    const map = async () => (await getJson(`${server.videoUrl}/segments`)).json;
    const empty = await map();
    const ids: string[] = (await getJson(server.videoUrl)).json.tracks.map(({ id }: { id: string }) => id);
    const [picture = ''] = ids;
    assert.deepEqual(Object.keys(empty.tracks).sort(), ids.sort());
    assert.deepEqual(empty.tracks[picture], { count: 2, segmentSeconds: 4.004, states: 'w2' });
    assert.equal(empty.encodedFraction, 0);

    await server.encode(picture, 1);
    const video = await server.videos.get(VIDEO_ID);
    assert.ok(video);
    const end = server.progress.begin(video, picture, 0);
    const half = await map();
    assert.equal(half.tracks[picture].states, 'es');
    assert.ok(half.encodedFraction > 0 && half.encodedFraction < 1);
    end();
    assert.equal((await map()).tracks[picture].states, 'ws');
  });

  test('before inspection has no tracks', async () => {
    await using server = await startRealCatalog();
    await server.videos.update(VIDEO_ID, { content: null, status: 'inspecting' });
    const { status, json } = await getJson(`${server.videoUrl}/segments`);
    assert.deepEqual([status, json], [200, { encodedFraction: 0, tracks: {} }]);
  });

  test('is short for a long video, and never longer than a letter for each segment and what counts them', () => {
    const state = fc.constantFrom<SegmentState>('waiting', 'encoding', 'stored');
    const states = fc.array(fc.tuple(state, fc.integer({ min: 1, max: 300 })), { maxLength: 40 });
    fc.assert(
      fc.property(states, (runs) => {
        const all = runs.flatMap(([one, count]) => Array.from<SegmentState>({ length: count }).fill(one));
        const text = formatRuns(all);
        assert.match(text, /^([wes](\d+)?)*$/);
        assert.ok(text.length <= all.length);
        const letters = { w: 'waiting', e: 'encoding', s: 'stored' } as const;
        const read = Array.from(text.matchAll(/([wes])(\d*)/g), ([, letter, count]) =>
          Array.from<SegmentState>({ length: Number(count || 1) }).fill(letters[letter as 'w']),
        );
        assert.deepEqual(read.flat(), all);
      }),
    );
    assert.equal(formatRuns(Array.from<SegmentState>({ length: 1800 }).fill('waiting')), 'w1800');
  });
});
