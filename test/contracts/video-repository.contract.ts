/** What every video repository does. A database's test calls this with a way to make an empty one. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import * as fc from '../fast-check.ts';
import type { Caption } from '../../src/catalog/caption.ts';
import { newVideoId, type Video, VIDEO_STATUSES, type VideoStatus } from '../../src/catalog/video.ts';
import type { VideoQuery, VideoRepository } from '../../src/catalog/video-repository.ts';
import { parseObjectKey } from '../../src/storage/object-key.ts';
import { rejects } from './object-store.contract.ts';

/** An empty repository whose clock says `now`, and how to get rid of it. */
export type RepositoryUnderTest = AsyncDisposable & { readonly videos: VideoRepository };

/** What {@link testVideoRepository} expects `updatedAt` to be after a change. */
export const NOW = new Date('2031-02-03T04:05:06.789Z');

/** Registers the tests of `subject`. Each of them calls `make` for a repository of its own, whose clock says NOW. */
export function testVideoRepository(subject: string, make: () => Promise<RepositoryUnderTest>): void {
  describe(`${subject} is a video repository`, () => {
    test('gives back what was inserted, whatever its content', async () => {
      await using made = await make();
      for (const video of [bareVideo(), failedVideo(), mediaVideo(), packageVideo()]) {
        await made.videos.insert(video);
        assert.deepEqual(await made.videos.get(video.id), video);
        assert.deepEqual(await made.videos.findBySource(video.source.origin, video.source.key), video);
      }
    });

    test('keeps any text as it is', async () => {
      await using made = await make();
      const text = fc.string({ unit: 'grapheme', maxLength: 40 }).filter((t) => !t.includes('\0'));
      await fc.assert(
        fc.asyncProperty(text, text, async (title, name) => {
          const video = bareVideo({ title, name });
          await made.videos.insert({ ...video, description: `${title}'; drop table videos; --` });
          const found = await made.videos.get(video.id);
          assert.equal(found?.title, title);
          assert.equal(found?.source.name, name);
          assert.equal(found?.description, `${title}'; drop table videos; --`);
        }),
      );
    });

    test('knows nothing of what was never inserted', async () => {
      await using made = await make();
      assert.equal(await made.videos.get(bareVideo().id), undefined);
      assert.equal(await made.videos.findBySource('library', 'none'), undefined);
      assert.equal(await made.videos.update(bareVideo().id, { title: 'x' }), undefined);
      assert.deepEqual(await made.videos.listBySource('library'), []);
      assert.deepEqual(await made.videos.list({ limit: 10 }), { items: [] });
    });

    test('has one video of an id, and one of an origin and key', async () => {
      await using made = await make();
      const video = bareVideo({ key: 'a.mp4' });
      await made.videos.insert(video);
      await rejects(made.videos.insert({ ...bareVideo(), id: video.id }), 'invalid_request');
      await rejects(made.videos.insert(bareVideo({ key: 'a.mp4' })), 'invalid_request');
      const upload = bareVideo({ key: 'a.mp4', origin: 'upload' });
      await made.videos.insert(upload);
      await rejects(made.videos.update(upload.id, { source: video.source }), 'invalid_request');
      assert.deepEqual(await made.videos.get(video.id), video);
      assert.deepEqual(await made.videos.get(upload.id), upload);
      assert.equal((await made.videos.findBySource('upload', 'a.mp4'))?.id, upload.id);
    });

    test('of many inserts of one source at once, one succeeds', async () => {
      await using made = await make();
      const inserts = Array.from({ length: 10 }, () => made.videos.insert(bareVideo({ key: 'same' })));
      const results = await Promise.allSettled(inserts);
      assert.equal(results.filter((result) => result.status === 'fulfilled').length, 1);
      assert.equal((await made.videos.listBySource('library')).length, 1);
    });

    test('lists the videos of an origin without their content', async () => {
      await using made = await make();
      const library = [mediaVideo(), packageVideo(), failedVideo()];
      for (const video of library) await made.videos.insert(video);
      await made.videos.insert(bareVideo({ origin: 'upload' }));
      const listed = await made.videos.listBySource('library');
      const expected = library.map(({ content: _content, metadata: _metadata, ...video }) => video);
      assert.deepEqual(new Set(listed), new Set(expected));
    });

    test('changes what it is told to, and nothing else', async () => {
      await using made = await make();
      const other = mediaVideo();
      await made.videos.insert(other);
      const video = mediaVideo();
      await made.videos.insert(video);
      const { content } = packageVideo();
      assert.ok(content);
      const changes = {
        title: 'a new title',
        description: 'a new description',
        visibility: 'private',
        status: 'failed',
        error: { code: 'source_damaged', message: 'it is damaged' },
        source: { ...video.source, key: parseObjectKey('moved'), name: 'moved', bytes: 2 ** 45, etag: 'e2' },
        revision: 'r2',
        content,
        metadata: { 'a:b': 'ä', n: '' },
        captions: [captionOf({ label: 'ä"', file: { key: 'a.srt', etag: 'e' } }), captionOf({ id: 'de-2' })],
      } as const;
      let expected: Video = { ...video, updatedAt: NOW };
      for (const [field, value] of Object.entries(changes)) {
        expected = { ...expected, [field]: value };
        assert.deepEqual(await made.videos.update(video.id, { [field]: value }), expected);
        assert.deepEqual(await made.videos.get(video.id), expected);
      }
      const { error: _error, content: _content, ...without } = expected;
      assert.deepEqual(await made.videos.update(video.id, { error: null, content: null }), without);
      assert.deepEqual(await made.videos.update(video.id, {}), without);
      assert.deepEqual(await made.videos.get(other.id), other);
      assert.equal((await made.videos.findBySource('library', 'moved'))?.id, video.id);
    });

    test('changes only while the condition holds', async () => {
      await using made = await make();
      const video: Video = { ...bareVideo(), status: 'inspecting', revision: 'r1' };
      await made.videos.insert(video);
      const refused = [
        { status: ['playable', 'ready'] },
        { status: [] },
        { revision: 'r2' },
        { status: ['inspecting'], revision: 'r2' },
        { status: ['ready'], revision: 'r1' },
      ] as const;
      for (const condition of refused) {
        assert.equal(await made.videos.update(video.id, { title: 'no' }, condition), undefined);
      }
      assert.deepEqual(await made.videos.get(video.id), video);
      const condition = { status: ['uploading', 'inspecting'], revision: 'r1' } as const;
      const changed = await made.videos.update(video.id, { status: 'playable' }, condition);
      assert.equal(changed?.status, 'playable');
    });

    test('changes metadata only while it is as it was read', async () => {
      await using made = await make();
      const video = bareVideo();
      await made.videos.insert(video);
      const { videos } = made;
      const first = { '2': 'b', a: 'ä"' };
      assert.equal(await videos.update(video.id, { metadata: first }, { metadata: {} }), undefined);
      assert.ok(await videos.update(video.id, { metadata: first }, { metadata: null }));
      assert.equal(await videos.update(video.id, { metadata: {} }, { metadata: null }), undefined);
      assert.equal(await videos.update(video.id, { metadata: {} }, { metadata: { a: 'ä' } }), undefined);
      const read = await videos.get(video.id);
      assert.deepEqual(read?.metadata, first);
      const emptied = await videos.update(video.id, { metadata: {} }, { metadata: read.metadata });
      assert.deepEqual(emptied?.metadata, {});
    });

    test('changes the poster only while it is as it was read', async () => {
      await using made = await make();
      const video = bareVideo();
      await made.videos.insert(video);
      const { videos } = made;
      assert.equal(await videos.update(video.id, { poster: 'a' }, { poster: 'b' }), undefined);
      assert.equal((await videos.update(video.id, { poster: 'a' }, { poster: null }))?.poster, 'a');
      assert.equal(await videos.update(video.id, { poster: 'b' }, { poster: null }), undefined);
      assert.equal((await videos.get(video.id))?.poster, 'a');
      assert.ok(!('poster' in (await videos.update(video.id, { poster: null }, { poster: 'a' }))!));
    });

    test('changes captions only while they are as they were read', async () => {
      await using made = await make();
      const { videos } = made;
      const video = bareVideo();
      await videos.insert(video);
      const [first, second] = [[captionOf({ language: 'de' })], [captionOf({ language: 'en' })]];
      assert.equal(await videos.update(video.id, { captions: first }, { captions: second }), undefined);
      assert.ok(await videos.update(video.id, { captions: first }, { captions: [] }));
      assert.equal(await videos.update(video.id, { captions: second }, { captions: [] }), undefined);
      const read = await videos.get(video.id);
      assert.deepEqual(read?.captions, first);
      assert.deepEqual((await videos.listBySource('library'))[0]?.captions, first);
      const emptied = await videos.update(video.id, { captions: [] }, { captions: read?.captions ?? [] });
      assert.equal(emptied?.captions, undefined);
      assert.deepEqual(emptied, { ...video, updatedAt: NOW });
    });

    test('knows captions again, in whatever order their fields were named', async () => {
      await using made = await make();
      const video = { ...bareVideo(), captions: [captionOf({ label: 'b' })] };
      const reordered = video.captions.map((caption) =>
        Object.fromEntries(Object.entries(caption).toReversed()),
      );
      await made.videos.insert({ ...video, captions: reordered as Caption[] });
      const { captions } = (await made.videos.get(video.id))!;
      assert.deepEqual(captions, video.captions);
      assert.ok(await made.videos.update(video.id, { captions: [] }, { captions: captions ?? [] }));
    });

    test('of many changes under one condition at once, one happens', async () => {
      await using made = await make();
      const video = { ...bareVideo(), revision: 'r0' };
      await made.videos.insert(video);
      const attempts = Array.from({ length: 20 }, async (_, index) => {
        return made.videos.update(video.id, { revision: `r${index + 1}` }, { revision: 'r0' });
      });
      const winners = (await Promise.all(attempts)).filter((one) => one !== undefined);
      assert.equal(winners.length, 1);
      assert.deepEqual(await made.videos.get(video.id), winners[0]);
    });

    test('deletes, and does not mind doing so twice', async () => {
      await using made = await make();
      const [gone, kept] = [mediaVideo(), mediaVideo()];
      await made.videos.insert(gone);
      await made.videos.insert(kept);
      await made.videos.delete(gone.id);
      await made.videos.delete(gone.id);
      assert.equal(await made.videos.get(gone.id), undefined);
      assert.deepEqual(await made.videos.get(kept.id), kept);
      await made.videos.insert(gone);
    });

    test('pages through every video once, newest first, whatever the page size', async () => {
      await using made = await make();
      const videos = Array.from({ length: 23 }, (_, index) => bareVideo({ createdAtMs: 1000 + (index % 5) }));
      for (const video of videos) await made.videos.insert(video);
      const newestFirst = videos
        .map(({ id }) => id)
        .toSorted()
        .toReversed();
      await fc.assert(
        fc.asyncProperty(fc.integer({ min: 1, max: 30 }), async (limit) => {
          const pages = await allPages(made.videos, { limit });
          assert.deepEqual(
            pages.flat().map(({ id }) => id),
            newestFirst,
          );
          assert.ok(pages.every((page, index) => page.length === limit || index === pages.length - 1));
          assert.ok(pages.every((page) => page.length > 0));
        }),
      );
    });

    test('pages through what was there once, while videos come, change and go', async () => {
      await using made = await make();
      const step = fc.constantFrom('insert newer', 'insert older', 'delete seen', 'delete unseen', 'update');
      await fc.assert(
        fc.asyncProperty(
          fc.integer({ min: 1, max: 4 }),
          fc.array(step, { maxLength: 10 }),
          async (limit, steps) => {
            await Promise.all(
              (await made.videos.listBySource('library')).map(({ id }) => made.videos.delete(id)),
            );
            const start = Array.from({ length: 12 }, (_, index) => bareVideo({ createdAtMs: 1000 + index }));
            for (const video of start) await made.videos.insert(video);
            const deleted = new Set<string>();
            const seen: string[] = [];
            const left = [...steps];
            let cursor: string | undefined;
            do {
              const page = await made.videos.list({ limit, ...(cursor === undefined ? {} : { cursor }) });
              seen.push(...page.items.map(({ id }) => id));
              cursor = page.nextCursor;
              const next = left.shift();
              if (next === 'insert newer') await made.videos.insert(bareVideo({ createdAtMs: 5000 }));
              if (next === 'insert older') await made.videos.insert(bareVideo({ createdAtMs: 10 }));
              const isSeen = next === 'delete seen';
              const target = start.find(({ id }) => seen.includes(id) === isSeen && !deleted.has(id));
              if (target !== undefined && next === 'update')
                await made.videos.update(target.id, { title: 'changed' });
              if (target !== undefined && next?.startsWith('delete')) {
                deleted.add(target.id);
                await made.videos.delete(target.id);
              }
            } while (cursor !== undefined);
            assert.equal(new Set(seen).size, seen.length, 'none is seen twice');
            assert.deepEqual(seen, seen.toSorted().toReversed());
            for (const { id } of start) assert.ok(seen.includes(id) || deleted.has(id), 'none is missed');
          },
        ),
        { numRuns: 40 },
      );
    });

    test('pages through the videos of one status', async () => {
      await using made = await make();
      const statuses = Array.from({ length: 20 }, (_, index) => VIDEO_STATUSES[index % 5] as VideoStatus);
      for (const status of statuses) await made.videos.insert({ ...bareVideo(), status });
      for (const status of VIDEO_STATUSES) {
        const found = (await allPages(made.videos, { limit: 3, status })).flat();
        assert.deepEqual(
          found.map((video) => video.status),
          [status, status, status, status],
        );
      }
    });

    test('the last page has no cursor, even when it is full', async () => {
      await using made = await make();
      for (let count = 0; count < 4; count++) await made.videos.insert(bareVideo());
      const first = await made.videos.list({ limit: 2 });
      assert.ok(first.nextCursor);
      assert.equal((await made.videos.list({ limit: 2, cursor: first.nextCursor })).nextCursor, undefined);
      assert.equal((await made.videos.list({ limit: 4 })).nextCursor, undefined);
    });

    test('refuses a limit, a cursor and a search that make no sense', async () => {
      await using made = await make();
      for (const limit of [0, -1, 201, 1.5, Number.NaN]) {
        await rejects(made.videos.list({ limit }), 'invalid_request');
      }
      for (const cursor of ['', 'x', "' or 1=1", 'vid_12', `vid_${'G'.repeat(32)}`]) {
        await rejects(made.videos.list({ limit: 1, cursor }), 'invalid_request');
      }
      await rejects(made.videos.list({ limit: 1, q: 'x'.repeat(100_000) }), 'invalid_request');
    });

    test('finds what contains the search, taken literally', async () => {
      await using made = await make();
      const titles = [
        '100% sure',
        '100 sure',
        'a_b',
        'axb',
        String.raw`back\slash`,
        'back/slash',
        "it's",
        '[a]',
        '*',
      ];
      for (const title of titles) await made.videos.insert(bareVideo({ title, name: 'none' }));
      const search = async (q: string) => titlesOf(await made.videos.list({ limit: 200, q }));
      assert.deepEqual(await search('%'), ['100% sure']);
      assert.deepEqual(await search('_'), ['a_b']);
      assert.deepEqual(await search('\\'), [String.raw`back\slash`]);
      assert.deepEqual(await search('\\s'), [String.raw`back\slash`]);
      assert.deepEqual(await search("'"), ["it's"]);
      assert.deepEqual(await search('[a]'), ['[a]']);
      assert.deepEqual(await search('*'), ['*']);
      assert.deepEqual(await search('0% s'), ['100% sure']);
      assert.deepEqual(await search('nowhere'), []);
      assert.deepEqual(await search(''), titles.toSorted());
    });

    test('searches the title and the name of the source, not across them, nor the description', async () => {
      await using made = await make();
      await made.videos.insert({
        ...bareVideo({ title: 'one', name: 'two/three.mp4' }),
        description: 'four',
      });
      const count = async (q: string) => (await made.videos.list({ limit: 1, q })).items.length;
      for (const q of ['one', 'two', 'wo/th', '.MP4']) assert.equal(await count(q), 1, q);
      for (const q of ['onetwo', 'one two', 'four', 'one\ntwo']) assert.equal(await count(q), 0, q);
    });

    test('searches without regard to case and form of letters, in any script', async () => {
      await using made = await make();
      const same: readonly (readonly [string, string])[] = [
        ['Été à la mer', 'éTÉ À'],
        ['Cafe\u0301 noir', 'caf\u00e9'],
        ['Война и мир', 'ВОЙНА'],
        ['ΟΔΥΣΣΕΥΣ', 'οδυσσευσ'],
        ['οδυσσεύς', 'ΟΔΥΣΣΕΎΣ'],
        ['ﬁlm １２', 'film 12'],
        ['two\t \nspaces', 'two spaces'],
        ['日本語の映画', '本語'],
        ['🎬 movie', '🎬'],
      ];
      for (const [title, q] of same) {
        const video = bareVideo({ title, name: 'none' });
        await made.videos.insert(video);
        const found = await made.videos.list({ limit: 200, q });
        assert.ok(
          found.items.some(({ id }) => id === video.id),
          `${q} finds ${title}`,
        );
      }
    });

    test('finds a video by any part of its title, in capitals or not', async () => {
      await using made = await make();
      const letters = fc.string({ unit: fc.constantFrom(..."abcXYZ%_\\' 09."), minLength: 1, maxLength: 12 });
      await fc.assert(
        fc.asyncProperty(letters, fc.nat(12), fc.nat(12), async (title, from, length) => {
          const video = bareVideo({ title });
          await made.videos.insert(video);
          const part = title.slice(from, from + length);
          for (const q of [part, part.toUpperCase(), part.toLowerCase()]) {
            const found = (await allPages(made.videos, { limit: 200, q })).flat();
            assert.ok(found.some(({ id }) => id === video.id));
            const has = (text: string) =>
              text.replaceAll(/ +/g, ' ').toLowerCase().includes(q.replaceAll(/ +/g, ' ').toLowerCase());
            assert.ok(found.every((one) => has(one.title) || has(one.source.name)));
          }
        }),
      );
    });
  });
}

let made = 0;

/** A video that was just added: inspecting, without content. */
export function bareVideo(
  own: {
    readonly title?: string;
    readonly name?: string;
    readonly key?: string;
    readonly origin?: Video['source']['origin'];
    readonly createdAtMs?: number;
  } = {},
): Video {
  const createdAtMs = own.createdAtMs ?? 1_900_000_000_000 + made++;
  const key = parseObjectKey(own.key ?? `folder/video ${made++}.mp4`);
  return {
    id: newVideoId(createdAtMs, randomBytes(10)),
    title: own.title ?? 'A video',
    description: '',
    visibility: 'public',
    status: 'inspecting',
    createdAt: new Date(createdAtMs),
    updatedAt: new Date(createdAtMs + 1),
    source: { origin: own.origin ?? 'library', key, name: own.name ?? key, bytes: 3_000_000_000, etag: 'e1' },
    revision: 'r1',
  };
}

function captionOf(overrides: Partial<Caption>): Caption {
  return {
    origin: 'uploaded',
    language: 'en',
    kind: 'subtitles',
    isDefault: false,
    isForced: false,
    id: 'en-0123456789abcdef',
    ...overrides,
  };
}

function failedVideo(): Video {
  return { ...bareVideo(), status: 'failed', error: { code: 'source_not_media', message: 'it is a text' } };
}

/** A video with everything that inspection of a media file can find. */
export function mediaVideo(): Video {
  const span = { timeBase: { num: 1, den: 90_000 }, startTicks: -3003, endTicks: 2 ** 40 };
  return {
    ...bareVideo(),
    status: 'playable',
    metadata: { year: '2010', 'dc:creator': 'Blender' },
    poster: '0123456789ab',
    content: {
      kind: 'media',
      source: {
        container: 'matroska',
        bytes: 2 ** 42,
        video: {
          ...span,
          streamIndex: 0,
          codec: 'hevc',
          pixelFormat: 'yuv420p10le',
          codedWidth: 1440,
          codedHeight: 1080,
          displayWidth: 1080,
          displayHeight: 1920,
          rotationDegrees: 270,
          isMirrored: true,
          sampleAspectRatio: { num: 4, den: 3 },
          frameRate: { num: 30_000, den: 1001 },
          isVariableFrameRate: true,
          isInterlaced: false,
          color: { range: 'tv', primaries: 'bt2020', transfer: 'arib-std-b67', matrix: 'bt2020nc' },
        },
        audio: [
          {
            ...span,
            streamIndex: 2,
            codec: 'opus',
            channels: 6,
            sampleRate: 48_000,
            language: 'pt-BR',
            title: 'Comentário',
            isDefault: true,
          },
          { ...span, streamIndex: 3, codec: 'aac', channels: 2, sampleRate: 44_100, isDefault: false },
        ],
      },
    },
  };
}

/** A video with everything that reading a package can find. */
export function packageVideo(): Video {
  const bitrate = { peakBitsPerSecond: 5_000_000, averageBitsPerSecond: 4_321_000.5 };
  const segments = [
    { index: 0, startTicks: 0, durationTicks: 270_270 },
    { index: 1, startTicks: 270_270, durationTicks: 90_090 },
  ];
  return {
    ...bareVideo({ key: `shows/one ${made}/main.m3u8` }),
    status: 'ready',
    content: {
      kind: 'package',
      package: {
        format: 'hls',
        root: 'shows/one',
        entry: 'main.m3u8',
        files: [{ path: 'main.m3u8', mediaType: 'application/vnd.apple.mpegurl' }],
        presentation: {
          tracks: [
            {
              kind: 'video',
              id: 'v1',
              label: '1080p',
              codecs: 'avc1.640028',
              timescale: 90_000,
              bitrate,
              segments,
              width: 1920,
              height: 1080,
              frameRate: { num: 24_000, den: 1001 },
            },
            {
              kind: 'audio',
              id: 'a1',
              label: 'Stereo',
              codecs: 'mp4a.40.2',
              timescale: 90_000,
              bitrate,
              segments,
              channels: 2,
              sampleRate: 48_000,
              language: 'de',
              title: 'Deutsch',
              isDefault: true,
            },
          ],
        },
        media: {
          v1: {
            container: 'fmp4',
            init: { path: 'v.mp4', range: { start: 0, end: 799 } },
            segments: [{ path: 'v.mp4', range: { start: 800 } }, { path: 'w.mp4' }],
          },
          a1: { container: 'mpegts', segments: [{ path: 'a0.ts' }, { path: 'a1.ts' }] },
        },
      },
    },
  };
}

async function allPages(videos: VideoRepository, query: VideoQuery): Promise<(readonly Video[])[]> {
  const pages: (readonly Video[])[] = [];
  for (let cursor: string | undefined, isFirst = true; isFirst || cursor !== undefined; isFirst = false) {
    const page = await videos.list({ ...query, ...(cursor === undefined ? {} : { cursor }) });
    pages.push(page.items);
    cursor = page.nextCursor;
  }
  return pages;
}

function titlesOf(page: { readonly items: readonly Video[] }): string[] {
  return page.items.map(({ title }) => title).toSorted();
}
