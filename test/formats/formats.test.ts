/** What holds of every format, checked by reading manifests back as a player would. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { dash } from '../../src/formats/dash/dash.ts';
import type { FormatInput } from '../../src/formats/format.ts';
import { hls } from '../../src/formats/hls/hls.ts';
import { FORMATS } from '../../src/formats/registry.ts';
import { trickPlayTracks, resolveTrickPlay } from '../../src/formats/trick-play.ts';
import { initPath, segmentPath, trackDurationTicks, trickPath } from '../../src/media/presentation.ts';
import { readMpd, readPlaylist, unquote } from './manifest-readers.ts';
import { anyPresentation, audioTrack, film } from './presentations.ts';

const REVISION = 'r1';
const VIDEO_ROOT = 'http://host/v/vid/';

test('every path that a format lists resolves, and nothing else does', () => {
  fc.assert(
    fc.property(anyPresentation, fc.string(), (presentation, other) => {
      const input: FormatInput = { presentation, revision: REVISION };
      for (const format of FORMATS) {
        const paths = format.paths(input);
        const qualities = format.qualities?.(presentation).map(({ path }) => path) ?? [];
        assert.equal(paths[0], format.entry ?? qualities[0]);
        assert.equal(new Set(paths).size, paths.length);
        for (const path of paths) assert.ok(format.resolve(input, path), path);
        for (const path of [other, '', `${format.name}/`, `${format.name}/main`, `/${format.entry}`]) {
          if (!paths.includes(path)) assert.equal(format.resolve(input, path), undefined);
        }
      }
    }),
  );
});

test('HLS and DASH address the same objects: all that are planned, and no others', () => {
  fc.assert(
    fc.property(anyPresentation, (presentation) => {
      const input: FormatInput = { presentation, revision: REVISION };
      const planned = presentation.tracks.flatMap((track) => [
        initPath(REVISION, track.id),
        ...track.segments.map((segment) => segmentPath(REVISION, track.id, segment.index)),
      ]);
      const trick = trickPlayTracks(presentation).flatMap((track) =>
        track.segments.map((segment) => trickPath(REVISION, track.id, segment.index)),
      );
      assert.deepEqual(addressedByHls(input), [...planned, ...trick].toSorted());
      assert.deepEqual(addressedByDash(input), [...planned, ...trick].toSorted());
    }),
  );
});

test('every address of trick play is derived from the one segment that it stands for, and no other address', () => {
  fc.assert(
    fc.property(anyPresentation, fc.string(), (presentation, other) => {
      const input: FormatInput = { presentation, revision: REVISION };
      for (const { id, segments } of trickPlayTracks(presentation)) {
        for (const { index } of segments) {
          const found = resolveTrickPlay(input, trickPath(REVISION, id, index));
          assert.deepEqual(found?.inputs, [{ trackId: id, index }]);
        }
        const beyond = trickPath(REVISION, id, segments.length);
        for (const path of [
          other,
          beyond,
          trickPath('r2', id, 0),
          `trick/${REVISION}/${id}/00.m4s`,
          `${beyond}/0`,
        ])
          assert.equal(resolveTrickPlay(input, path), undefined, path);
      }
      const withoutIt = presentation.tracks.filter((track) => !('trickPlay' in track));
      for (const { id } of withoutIt)
        assert.equal(resolveTrickPlay(input, trickPath(REVISION, id, 0)), undefined);
    }),
  );
});

test('trick play asks for what its track says, and belongs to the set of the video', () => {
  const input: FormatInput = { presentation: film, revision: REVISION };
  const { iFrameStreams } = readPlaylist(manifest(input, hls.entry));
  assert.deepEqual(iFrameStreams, [
    { BANDWIDTH: '101500', CODECS: '"avc1.64001f"', RESOLUTION: '426x240', URI: '"v240-iframes.m3u8"' },
  ]);
  const playlist = readPlaylist(manifest(input, 'hls/v240-iframes.m3u8'));
  assert.ok(playlist.isIFramesOnly);
  assert.deepEqual(playlist.durations, readPlaylist(manifest(input, 'hls/v240.m3u8')).durations);
  const representations = readMpd(manifest(input, dash.entry));
  const trick = representations.filter(({ trickPlayOf }) => trickPlayOf !== undefined);
  assert.deepEqual(
    trick.map(({ id, trickPlayOf, bandwidth }) => [id, trickPlayOf, bandwidth]),
    [['v240-trick', '0', 101_500]],
  );
});

test('the segments of a DASH timeline are those of the grid, tick by tick', () => {
  fc.assert(
    fc.property(anyPresentation, (presentation) => {
      const representations = readMpd(manifest({ presentation, revision: REVISION }, dash.entry));
      const trick = trickPlayTracks(presentation);
      assert.equal(representations.length, presentation.tracks.length + trick.length);
      const expected = [
        ...presentation.tracks.map((track) => ({ id: track.id, track })),
        ...trick.map((track) => ({ id: `${track.id}-trick`, track })),
      ];
      for (const { id, track } of expected) {
        const representation = representations.find((candidate) => candidate.id === id);
        assert.equal(representation?.timescale, track.timescale);
        assert.deepEqual(representation.segments, track.segments);
      }
    }),
  );
});

test('EXTINF sums to the duration, and no segment is longer than the target', () => {
  fc.assert(
    fc.property(anyPresentation, (presentation) => {
      for (const track of presentation.tracks) {
        const text = manifest({ presentation, revision: REVISION }, `hls/${track.id}.m3u8`);
        const { durations, targetDuration } = readPlaylist(text);
        const sum = durations.reduce((total, seconds) => total + seconds, 0);
        assert.ok(Math.abs(sum - trackDurationTicks(track) / track.timescale) < 2e-6);
        // RFC 8216bis 4.4.3.1
        assert.ok(durations.every((seconds) => Math.round(seconds) <= targetDuration));
      }
    }),
  );
});

test('ten hours of sound do not drift by a millisecond anywhere', () => {
  const frames = Array.from({ length: 9000 }, () => 188);
  const track = audioTrack('a1', frames);
  const text = manifest({ presentation: { tracks: [track] }, revision: REVISION }, 'hls/a1.m3u8');
  let position = 0;
  readPlaylist(text).durations.forEach((seconds, index) => {
    position += seconds;
    const exact = ((index + 1) * 188 * 1024) / 48_000;
    assert.ok(Math.abs(position - exact) < 1e-4, `segment ${index}`);
  });
});

test('a hostile title stays inside its attribute', () => {
  fc.assert(
    fc.property(anyPresentation, (presentation) => {
      const text = manifest({ presentation, revision: REVISION }, hls.entry);
      const { media, variants, iFrameStreams } = readPlaylist(text);
      const audio = presentation.tracks.filter((track) => track.kind === 'audio');
      const video = presentation.tracks.filter((track) => track.kind === 'video');
      const hasGroup = audio.length > 1 || (audio.length > 0 && video.length > 0);
      assert.equal(media.length, hasGroup ? audio.length : 0);
      assert.equal(variants.length, video.length || 1);
      // Line breaks inside would make more lines than there are tags and addresses.
      assert.equal(
        text.trimEnd().split('\n').length,
        3 + media.length + 2 * variants.length + iFrameStreams.length,
      );
      // RFC 8216bis 4.4.6.1.1
      assert.equal(new Set(media.map((tag) => tag['NAME'])).size, media.length);
      const automatic = media.filter((tag) => tag['AUTOSELECT'] === 'YES');
      assert.equal(automatic.filter((tag) => tag['DEFAULT'] === 'YES').length, hasGroup ? 1 : 0);
      assert.equal(media.filter((tag) => tag['DEFAULT'] === 'YES').length, hasGroup ? 1 : 0);
      const languages = new Set(media.map((tag) => tag['LANGUAGE']));
      assert.deepEqual(new Set(automatic.map((tag) => tag['LANGUAGE'])), languages);
      assert.equal(automatic.length, languages.size);
      for (const [index, tag] of media.entries())
        assert.equal(unquote(tag['URI']), `${audio[index]?.id}.m3u8`);
    }),
  );
});

test('a variant asks for no less than its track and the costliest sound together', () => {
  fc.assert(
    fc.property(anyPresentation, (presentation) => {
      const { variants } = readPlaylist(manifest({ presentation, revision: REVISION }, hls.entry));
      const byId = new Map(presentation.tracks.map((track) => [`${track.id}.m3u8`, track]));
      for (const { attributes, uri } of variants) {
        const track = byId.get(uri);
        assert.ok(track);
        const sound = track.kind === 'video' && attributes['AUDIO'] !== undefined ? 160_000 : 0;
        assert.equal(Number(attributes['BANDWIDTH']), track.bitrate.peakBitsPerSecond + sound);
        const codecs = unquote(attributes['CODECS']).split(',');
        assert.ok(codecs.includes(track.codecs));
        assert.equal(codecs.includes('mp4a.40.2'), sound > 0 || track.kind === 'audio');
      }
    }),
  );
});

test('players begin with the best quality that most connections carry', () => {
  const { variants } = readPlaylist(manifest({ presentation: film, revision: REVISION }, hls.entry));
  assert.deepEqual(
    variants.map(({ uri }) => uri),
    ['v480.m3u8', 'v720.m3u8', 'v240.m3u8'],
  );
});

function manifest(input: FormatInput, path: string): string {
  const found = FORMATS.map((format) => format.resolve(input, path)).find((answer) => answer !== undefined);
  assert.ok(found?.kind === 'manifest', path);
  return found.text;
}

/** Below `/v/{id}/`: what a player would fetch, starting at the entry. */
function addressedByHls(input: FormatInput): readonly string[] {
  const entry = readPlaylist(manifest(input, hls.entry));
  const playlists = new Set([
    ...entry.media.map((tag) => below(hls.entry, unquote(tag['URI']))),
    ...entry.variants.map(({ uri }) => below(hls.entry, uri)),
    ...entry.iFrameStreams.map((tag) => below(hls.entry, unquote(tag['URI']))),
  ]);
  const addressed = [...playlists].flatMap((path) => {
    const { map, segments } = readPlaylist(manifest(input, path));
    return [unquote(map), ...segments].map((uri) => below(path, uri));
  });
  // Trick play shares the init segment of its track.
  return [...new Set(addressed)].toSorted();
}

function addressedByDash(input: FormatInput): readonly string[] {
  const addressed = readMpd(manifest(input, dash.entry))
    .flatMap(({ initialization, media }) => [initialization, ...media])
    .map((uri) => below(dash.entry, uri));
  return [...new Set(addressed)].toSorted();
}

function below(manifestPath: string, uri: string): string {
  const url = new URL(uri, VIDEO_ROOT + manifestPath).href;
  assert.ok(url.startsWith(VIDEO_ROOT), url);
  return url.slice(VIDEO_ROOT.length);
}
