import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { isAppError } from '../../src/errors.ts';
import { createDiscovery, discover } from '../../src/readers/discover.ts';
import { readPackage } from '../../src/readers/read-package.ts';
import { fileSystemStore } from '../../src/storage/file-system.ts';
import { memoryLibrary, SIGNAL } from './library.ts';

/** Entries as `kind key`, sorted. */
async function entriesOf(files: Readonly<Record<string, string>>): Promise<string[]> {
  const entries = await discover(memoryLibrary(files), SIGNAL);
  return entries.map(({ kind, key }) => `${kind} ${key}`).sort();
}

function existing(...keys: string[]): Record<string, string> {
  return Object.fromEntries(keys.map((key) => [key, 'x']));
}

function mediaPlaylist(...uris: string[]): string {
  const segments = uris.flatMap((uri) => ['#EXTINF:4,', uri]);
  return ['#EXTM3U', '#EXT-X-TARGETDURATION:4', ...segments, '#EXT-X-ENDLIST'].join('\n');
}

function multivariant(...uris: string[]): string {
  return ['#EXTM3U', ...uris.flatMap((uri) => ['#EXT-X-STREAM-INF:BANDWIDTH=1', uri])].join('\n');
}

function onDemandMpd(...files: string[]): string {
  const representations = files.map(
    (file) => `<Representation bandwidth="1"><BaseURL>${file}</BaseURL></Representation>`,
  );
  return `<MPD><Period duration="PT8S"><AdaptationSet mimeType="video/mp4">${representations.join('')}</AdaptationSet></Period></MPD>`;
}

function numbered(count: number, name: (n: number) => string): string[] {
  return Array.from({ length: count }, (_, n) => name(n));
}

describe('discovery', () => {
  test('the samples: a media file, an HLS package and a DASH package', async () => {
    const assets = fileSystemStore(join(import.meta.dirname, '..', '..', 'assets'));
    const entries = await discover(assets, SIGNAL);
    assert.deepEqual(entries.map(({ kind, key, title }) => [kind, key, title]).sort(), [
      ['dash', 'Ready-made DASH/manifest.mpd', 'Ready-made DASH'],
      ['hls', 'Ready-made HLS/main.m3u8', 'Ready-made HLS'],
      ['media', 'Sluice sample.mp4', 'Sluice sample'],
    ]);
  });

  test('media files are entries even if they are empty; hidden, unfinished and other files are not', async () => {
    const media = ['a.mp4', 'b/c.MKV', 'song.flac', 'talk.ts', 'é ü/👋.webm', '#50%.mov'];
    const others = [
      '.hidden.mp4',
      '.folder/a.mp4',
      'a.mp4.part',
      'b.mkv.crdownload',
      'c.tmp',
      'd.mp4~',
      '~$e.mp4',
    ];
    const unknown = ['readme.txt', 'mp4', '.mp4', 'subs.srt', 'cover.jpg', 'seg.m4s'];
    const files = { ...existing(...media, ...others, ...unknown), 'empty.mp4': '' };
    assert.deepEqual(await entriesOf(files), [...media, 'empty.mp4'].map((key) => `media ${key}`).sort());
  });

  test('a package claims its playlists, segments and subtitles, and nothing beside', async () => {
    const files = {
      'show/main.m3u8': `${multivariant('v/index.m3u8')}\n#EXT-X-MEDIA:TYPE=AUDIO,URI="a/index.m3u8"`,
      'show/v/index.m3u8': mediaPlaylist('1.ts', '../../shared/2.ts'),
      'show/a/index.m3u8': mediaPlaylist('1.aac'),
      ...existing('show/v/1.ts', 'show/a/1.aac', 'shared/2.ts', 'show/extra.mp4', 'shared/other.ts'),
    };
    assert.deepEqual(await entriesOf(files), [
      'hls show/main.m3u8',
      'media shared/other.ts',
      'media show/extra.mp4',
    ]);
  });

  test('the single files of a DASH package are no entries', async () => {
    const files = {
      'film/film.mpd': onDemandMpd('360.mp4', '720.mp4'),
      ...existing('film/360.mp4', 'film/720.mp4', 'film/making-of.mp4'),
    };
    assert.deepEqual(await entriesOf(files), ['dash film/film.mpd', 'media film/making-of.mp4']);
  });

  test('HLS and DASH over the same segments are one entry that serves both manifests', async () => {
    const library = memoryLibrary({
      'film/hls.m3u8': multivariant('v.m3u8'),
      'film/v.m3u8': mediaPlaylist('v.mp4'),
      'film/film.mpd': onDemandMpd('v.mp4'),
      ...existing('film/v.mp4'),
    });
    const entries = await discover(library, SIGNAL);
    assert.deepEqual(
      entries.map(({ kind, key, alternates }) => [kind, key, alternates]),
      [['hls', 'film/hls.m3u8', ['film/film.mpd']]],
    );
    const [entry] = entries;
    assert.ok(entry !== undefined);
    const info = await readPackage(library, entry, SIGNAL);
    assert.deepEqual(info.files.map(({ path }) => path).sort(), ['film.mpd', 'hls.m3u8', 'v.m3u8', 'v.mp4']);
    assert.equal(info.format, 'hls');
  });

  test('a broken alternate does not keep the package from playing, and is not served', async () => {
    const library = memoryLibrary({
      'film/hls.m3u8': multivariant('v.m3u8'),
      'film/v.m3u8': mediaPlaylist('v.mp4'),
      'film/film.mpd': onDemandMpd('v.mp4').replace('<MPD>', '<MPD type="dynamic">'),
      ...existing('film/v.mp4'),
    });
    const [entry, ...more] = await discover(library, SIGNAL);
    assert.ok(entry !== undefined && more.length === 0);
    const info = await readPackage(library, entry, SIGNAL);
    assert.deepEqual(info.files.map(({ path }) => path).sort(), ['hls.m3u8', 'v.m3u8', 'v.mp4']);
  });

  test('packages that only share a trailer stay apart', async () => {
    const segments = ['a/a1.ts', 'a/a2.ts', 'b/b1.ts', 'b/b2.ts', 'trailer.ts'];
    const files = {
      'a/x.m3u8': mediaPlaylist('../trailer.ts', 'a1.ts', 'a2.ts'),
      'b/y.m3u8': mediaPlaylist('../trailer.ts', 'b1.ts', 'b2.ts'),
      ...existing(...segments),
    };
    assert.deepEqual(await entriesOf(files), ['hls a/x.m3u8', 'hls b/y.m3u8']);
  });

  test('playlists that name each other do not hide each other', async () => {
    const files = { 'a.m3u8': multivariant('b.m3u8'), 'b.m3u8': multivariant('a.m3u8') };
    assert.equal((await entriesOf(files)).length > 0, true);
  });

  describe('broken packages are entries, and their segments are not', () => {
    const segments = numbered(500, (n) => `show/seg-${n}.ts`);
    const broken: Readonly<Record<string, string>> = {
      'cut off in the middle': mediaPlaylist(...segments.slice(0, 200).map((key) => key.slice(5))).slice(
        0,
        3000,
      ),
      'without a duration': mediaPlaylist('seg-1.ts', 'seg-2.ts', 'seg-3.ts').replace(
        '#EXTINF:4',
        '#EXTINF:x',
      ),
      empty: '',
      'another format': '\u0000\u0001<html>',
      'naming what is missing': mediaPlaylist('other-1.ts'),
    };
    for (const [name, text] of Object.entries(broken)) {
      test(name, async () => {
        const library = memoryLibrary({
          'show/video.m3u8': text,
          ...existing(...segments, 'film.mp4', 'show/extra.ts'),
        });
        const entries = await discover(library, SIGNAL);
        const keys = entries.map(({ key }) => key).sort();
        assert.deepEqual(keys, ['film.mp4', 'show/extra.ts', 'show/video.m3u8']);
        const entry = entries.find(({ kind }) => kind === 'hls');
        assert.ok(entry !== undefined);
        await assert.rejects(readPackage(library, entry, SIGNAL), (error) =>
          isAppError(error, 'package_invalid'),
        );
      });
    }

    test('an MPD that is cut off still claims what it names', async () => {
      const text = onDemandMpd('360.mp4', '720.mp4').replace('</AdaptationSet></Period></MPD>', '<Segm');
      const files = { 'film/film.mpd': text, ...existing('film/360.mp4', 'film/720.mp4', 'film/extra.mp4') };
      assert.deepEqual(await entriesOf(files), ['dash film/film.mpd', 'media film/extra.mp4']);
      const template =
        '<MPD><SegmentTemplate media="chunk-$Number%05d$.mp4" initialization="init-$RepresentationID$.mp4"';
      const chunks = numbered(9, (n) => `film/chunk-0000${n}.mp4`);
      const templated = {
        'film/film.mpd': template,
        ...existing(...chunks, 'film/init-1.mp4', 'film/extra.mp4'),
      };
      assert.deepEqual(await entriesOf(templated), ['dash film/film.mpd', 'media film/extra.mp4']);
    });
  });

  test('the playlist of an audio player hides none of the songs and films that it names', async () => {
    const files = {
      'list.m3u8': '#EXTM3U\n#EXTINF:200,A song\n1.mp3\n#EXTINF:5000,A film\nfilm.mp4',
      ...existing('1.mp3', 'film.mp4'),
    };
    assert.deepEqual(await entriesOf(files), ['hls list.m3u8', 'media 1.mp3', 'media film.mp4']);
  });

  test('numbered films beside a package stay entries', async () => {
    const films = numbered(8, (n) => `series/Episode ${n}.mp4`);
    const files = { 'series/film.mpd': onDemandMpd('Episode%200.mp4'), ...existing(...films) };
    assert.equal((await entriesOf(files)).length, 8);
  });

  test('titles are readable', async () => {
    const names = {
      'My_summer.2024.mp4': 'My summer 2024',
      'Dr. Who - 1.5.mp4': 'Dr. Who - 1.5',
      'a/b/index.m3u8': 'b',
      'a/b/Big_Buck_Bunny.mpd': 'Big Buck Bunny',
      'main.m3u8': 'main',
      '_.mp4': '_',
    };
    for (const [key, title] of Object.entries(names)) {
      const [entry] = await discover(memoryLibrary(existing(key)), SIGNAL);
      assert.equal(entry?.title, title);
    }
  });

  test('bytes and etag cover all files of a package', async () => {
    const library = memoryLibrary({
      'p/v.m3u8': mediaPlaylist('1.ts', '2.ts'),
      'p/1.ts': 'one',
      'p/2.ts': 'two',
    });
    const discovery = createDiscovery(library);
    const look = async () => {
      const [entry, ...more] = await discovery.discover(SIGNAL);
      assert.ok(entry !== undefined && more.length === 0);
      return entry;
    };
    const first = await look();
    assert.equal(first.bytes, mediaPlaylist('1.ts', '2.ts').length + 6);
    assert.equal((await look()).etag, first.etag);
    library.set('p/2.ts', 'TWO');
    const second = await look();
    assert.notEqual(second.etag, first.etag);
    library.remove('p/1.ts');
    assert.notEqual((await look()).etag, second.etag);
    library.set('unrelated/x.txt', 'x');
    assert.equal((await look()).bytes, second.bytes - 3);
  });

  test('only manifests that changed are read again', async () => {
    const library = memoryLibrary({
      'a/main.m3u8': multivariant('v.m3u8'),
      'a/v.m3u8': mediaPlaylist('1.ts'),
      'b/film.mpd': onDemandMpd('v.mp4'),
      ...existing('a/1.ts', 'b/v.mp4', 'film.mp4'),
    });
    const discovery = createDiscovery(library);
    await discovery.discover(SIGNAL);
    assert.deepEqual(library.opened.splice(0).sort(), ['a/main.m3u8', 'a/v.m3u8', 'b/film.mpd']);
    await discovery.discover(SIGNAL);
    assert.deepEqual(library.opened, []);
    library.set('a/v.m3u8', mediaPlaylist('2.ts'));
    const entries = await discovery.discover(SIGNAL);
    assert.deepEqual(library.opened, ['a/v.m3u8']);
    assert.ok(entries.some(({ key }) => key === 'a/1.ts'));
  });

  test('giving up is passed on', async () => {
    const library = memoryLibrary({ 'v.m3u8': mediaPlaylist('1.ts') });
    const signal = AbortSignal.abort();
    await assert.rejects(discover(library, signal), (error) => isAppError(error, 'aborted'));
  });

  test('ten thousand files, a thousand of them manifests, in seconds', {
    timeout: 60_000,
  }, async () => {
    const files: Record<string, string> = {};
    for (let p = 0; p < 500; p++) {
      const segments = numbered(16, (n) => `seg-${n}.ts`);
      files[`show ${p}/main.m3u8`] = multivariant('v.m3u8');
      files[`show ${p}/v.m3u8`] = mediaPlaylist(...segments);
      for (const segment of segments) files[`show ${p}/${segment}`] = '';
    }
    for (let n = 0; n < 1000; n++) files[`films/${n}.mp4`] = '';
    const discovery = createDiscovery(memoryLibrary(files));
    assert.equal((await discovery.discover(SIGNAL)).length, 1500);
    const start = performance.now();
    await discovery.discover(SIGNAL);
    assert.ok(performance.now() - start < 8000);
  });

  test('a thousand hostile manifests that all name the same files do not stall it', {
    timeout: 60_000,
  }, async () => {
    const names = numbered(1000, (n) => `${n}.ts`);
    const files: Record<string, string> = existing(...names);
    for (let n = 0; n < 1000; n++) files[`x${n}.m3u8`] = mediaPlaylist(...names);
    const entries = await discover(memoryLibrary(files), SIGNAL);
    assert.equal(entries.length, 1);
    assert.equal(entries[0]?.alternates?.length, 999);
  });
});
