/** What HLS and DASH make of captions. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from '../fast-check.ts';
import { dash } from '../../src/formats/dash/dash.ts';
import { hls } from '../../src/formats/hls/hls.ts';
import { hlsTs } from '../../src/formats/hls-ts/hls-ts.ts';
import { FORMATS } from '../../src/formats/registry.ts';
import { captionPath, type CaptionTrack, transportCaptionPath } from '../../src/media/captions.ts';
import { readPlaylist, unquote } from './manifest-readers.ts';
import { captionTrack, film } from './presentations.ts';

const anyCaptions = fc
  .array(
    fc.record({
      language: fc.constantFrom('en', 'pt-BR', 'und'),
      label: fc.oneof(fc.constantFrom('English', '"x"\n#EXT', '</Label>'), fc.string({ unit: 'binary' })),
      kind: fc.constantFrom('subtitles', 'captions'),
      isDefault: fc.boolean(),
      isForced: fc.boolean(),
    }),
    { minLength: 1, maxLength: 8 },
  )
  .map((all): readonly CaptionTrack[] => all.map((one, index) => captionTrack(`s${index}-r1`, one)));

function texts(captions: readonly CaptionTrack[]) {
  const input = { presentation: { ...film, captions }, revision: 'r1' };
  return (path: string): string => {
    for (const format of FORMATS) {
      const found = format.resolve(input, path);
      if (found?.kind === 'manifest') return found.text;
    }
    assert.fail(path);
  };
}

test('HLS offers every text, each playlist is one segment as long as the film', () => {
  fc.assert(
    fc.property(anyCaptions, (captions) => {
      const read = texts(captions);
      const { media, variants } = readPlaylist(read(hls.entry));
      const subtitles = media.filter(({ TYPE }) => TYPE === 'SUBTITLES');
      assert.equal(subtitles.length, captions.length);
      // RFC 8216bis 4.4.6.1: names differ, one default at most, which a player may choose by itself.
      assert.equal(new Set(subtitles.map(({ NAME }) => NAME)).size, captions.length);
      const standard = subtitles.filter(({ DEFAULT }) => DEFAULT === 'YES');
      assert.equal(standard.length, captions.some(({ isDefault }) => isDefault) ? 1 : 0);
      assert.ok(standard.every(({ AUTOSELECT }) => AUTOSELECT === 'YES'));
      const automatic = subtitles.filter(({ AUTOSELECT }) => AUTOSELECT === 'YES');
      const differences = automatic.map(({ LANGUAGE, FORCED, CHARACTERISTICS }) =>
        JSON.stringify([LANGUAGE, FORCED, CHARACTERISTICS]),
      );
      assert.equal(new Set(differences).size, automatic.length);
      for (const { attributes } of variants) assert.equal(attributes['SUBTITLES'], '"subtitles"');
      for (const [index, { URI, FORCED }] of subtitles.entries()) {
        const { id, isForced } = captions[index]!;
        assert.equal(FORCED, isForced ? 'YES' : undefined);
        const playlist = readPlaylist(read(`hls/${unquote(URI)}`));
        assert.deepEqual(playlist.segments, [`../${captionPath(id)}`]);
        assert.ok(Math.abs(playlist.durations[0]! - 13.27) < 0.1);
        assert.ok(Math.round(playlist.durations[0]!) <= playlist.targetDuration);
      }
    }),
  );
});

test('HLS with MPEG-TS offers the same, on its own clock', () => {
  fc.assert(
    fc.property(anyCaptions, (captions) => {
      const read = texts(captions);
      const subtitlesOf = (entry: string) =>
        readPlaylist(read(entry)).media.filter(({ TYPE }) => TYPE === 'SUBTITLES');
      assert.deepEqual(subtitlesOf('hls-ts/main.m3u8'), subtitlesOf('hls/main.m3u8'));
      for (const { id } of captions) {
        const { segments } = readPlaylist(read(`hls-ts/${id}.m3u8`));
        assert.deepEqual(segments, [`../${transportCaptionPath(id)}`]);
      }
      const paths = hlsTs.paths({ presentation: { ...film, captions }, revision: 'r1' });
      assert.equal(
        paths.filter((path) => captions.some(({ id }) => path.endsWith(`/${id}.m3u8`))).length,
        captions.length,
      );
    }),
  );
});

test('DASH has a set for each text, with its role', () => {
  const captions = [
    captionTrack('en-1', { isDefault: true }),
    captionTrack('de-2', { language: 'de', kind: 'captions', label: 'Deutsch & <mehr>' }),
    captionTrack('s3-r1', { language: 'und', isForced: true }),
  ];
  const mpd = texts(captions)(dash.entry);
  const sets = mpd.match(/<AdaptationSet[^>]*contentType="text".*?<\/AdaptationSet>/gs) ?? [];
  const found = sets.map((set) => ({
    lang: /lang="(.*?)"/.exec(set)?.[1],
    label: /<Label>(.*?)</.exec(set)?.[1],
    roles: [...set.matchAll(/value="(.*?)"/g)].map((match) => match[1]),
    url: /<BaseURL>(.*?)</.exec(set)?.[1],
  }));
  assert.deepEqual(found, [
    { lang: 'en', label: 'English', roles: ['subtitle', 'main'], url: '../captions/en-1.vtt' },
    { lang: 'de', label: 'Deutsch &amp; &lt;mehr&gt;', roles: ['caption'], url: '../captions/de-2.vtt' },
    { lang: undefined, label: 'English', roles: ['forced-subtitle'], url: '../captions/s3-r1.vtt' },
  ]);
});
