import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sidecarsByMedia } from '../../src/readers/sidecars.ts';
import { discover } from '../../src/readers/discover.ts';
import { parseObjectKey } from '../../src/storage/object-key.ts';
import { memoryLibrary, SIGNAL } from './library.ts';

/** By media file, what goes with it: `name language kind label`, with `!` for what is forced. */
function found(media: readonly string[], files: readonly string[]): Record<string, string[]> {
  const infos = files.map((key) => ({
    key: parseObjectKey(key),
    etag: 'e',
    bytes: 1,
    modifiedAt: new Date(0),
  }));
  const byMedia = sidecarsByMedia(media.map(parseObjectKey), infos);
  const lines = [...byMedia].map(([key, sidecars]) => [
    key,
    sidecars.map(({ key: file, language, kind, label, isForced }) =>
      [file, language, kind, label ?? '-', ...(isForced ? ['!'] : [])].join(' '),
    ),
  ]);
  return Object.fromEntries(lines);
}

test('the name of a file says whose it is, and in which language', () => {
  const files = [
    'a/film.srt',
    'a/film.en.vtt',
    'a/film.pt-br.forced.srt',
    'a/film.eng.SDH.srt',
    'a/film.hi.srt',
    'a/film.en.hi.srt',
    'a/film.Director.en.srt',
    'film.en.srt',
    'a/other.srt',
    'a/filmed.en.srt',
    'a/film.en/x.srt',
  ];
  assert.deepEqual(found(['a/film.mp4'], files), {
    'a/film.mp4': [
      'a/film.Director.en.srt en subtitles Director',
      'a/film.en.hi.srt en captions -',
      'a/film.en.vtt en subtitles -',
      'a/film.eng.SDH.srt en captions -',
      'a/film.hi.srt hi subtitles -',
      'a/film.pt-br.forced.srt pt-BR subtitles - !',
      'a/film.srt und subtitles -',
    ],
  });
});

test('the media file with the longest name has it, and all of one name have it', () => {
  assert.deepEqual(found(['f.mkv', 'f.en.mp4', 'f.mp4'], ['f.en.de.srt', 'f.de.srt', '.srt']), {
    'f.mkv': ['f.de.srt de subtitles -'],
    'f.mp4': ['f.de.srt de subtitles -'],
    'f.en.mp4': ['f.en.de.srt de subtitles -'],
  });
});

test('what a package claims goes with no media file', async () => {
  const library = memoryLibrary({
    'show.mp4': 'x',
    'show.en.vtt': 'x',
    '.show.de.vtt': 'x',
    'main.m3u8':
      '#EXTM3U\n#EXT-X-MEDIA:TYPE=SUBTITLES,URI="subs.m3u8"\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv.m3u8',
    'v.m3u8': '#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\nv.ts\n#EXT-X-ENDLIST',
    'subs.m3u8': '#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\nshow.en.vtt\n#EXT-X-ENDLIST',
    'v.ts': 'x',
  });
  const [media] = (await discover(library, SIGNAL)).filter(({ kind }) => kind === 'media');
  assert.equal(media?.key, 'show.mp4');
  assert.equal(media.sidecars, undefined);
});
