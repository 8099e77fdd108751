/** What holds of every format, checked by reading manifests back as a player would. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from '../fast-check.ts';
import { dash } from '../../src/formats/dash/dash.ts';
import type { FormatInput } from '../../src/formats/format.ts';
import { hls } from '../../src/formats/hls/hls.ts';
import { FORMATS } from '../../src/formats/registry.ts';
import { trickPlayTracks, resolveTrickPlay } from '../../src/formats/trick-play.ts';
import {
  defaultAudio,
  initPath,
  isAudio,
  isSurround,
  isVideo,
  segmentPath,
  soundIdOf,
  trackDurationTicks,
  trickPath,
} from '../../src/media/presentation.ts';
import { testFormat } from '../contracts/format.contract.ts';
import { readMpd, readPlaylist, unquote } from './manifest-readers.ts';
import { anyPresentation, audioTrack, film } from './presentations.ts';

const REVISION = 'r1';
const VIDEO_ROOT = 'http://host/v/vid/';

for (const format of FORMATS) testFormat(format);

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
      for (const format of [hls, dash]) {
        assert.deepEqual(format.media(input).toSorted(), [...planned, ...trick].toSorted());
      }
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
      // Line breaks inside would make more lines than there are tags and addresses.
      assert.equal(
        text.trimEnd().split('\n').length,
        3 + media.length + 2 * variants.length + iFrameStreams.length,
      );
    }),
  );
});

test('each group has every sound once, and the same that players may choose from', () => {
  fc.assert(
    fc.property(anyPresentation, (presentation) => {
      const { media: all } = readPlaylist(manifest({ presentation, revision: REVISION }, hls.entry));
      const media = all.filter((tag) => tag['TYPE'] === 'AUDIO');
      const audio = presentation.tracks.filter(isAudio);
      const hasVideo = presentation.tracks.some(isVideo);
      const groups = Map.groupBy(media, (tag) => unquote(tag['GROUP-ID']));
      const hasSurround = new Set(audio.map(soundIdOf)).size < audio.length;
      assert.equal(
        groups.size,
        audio.length > 1 || (audio.length > 0 && hasVideo) ? 1 + Number(hasSurround) : 0,
      );
      for (const [id, tags] of groups) {
        const members = tags.map((tag) => audio.find((one) => `${one.id}.m3u8` === unquote(tag['URI']))!);
        assert.deepEqual(members.map(soundIdOf), [...new Set(audio.map(soundIdOf))]);
        // RFC 8216bis 4.4.6.1.1
        assert.equal(new Set(tags.map((tag) => tag['NAME'])).size, tags.length);
        const automatic = tags.filter((tag) => tag['AUTOSELECT'] === 'YES');
        assert.equal(automatic.filter((tag) => tag['DEFAULT'] === 'YES').length, 1);
        assert.equal(tags.filter((tag) => tag['DEFAULT'] === 'YES').length, 1);
        const purposes = automatic.map((tag) => `${tag['LANGUAGE']} ${tag['CHARACTERISTICS']}`);
        const commentary = members.filter(
          (one, i) => one.role === 'commentary' && automatic.includes(tags[i]!),
        );
        assert.ok(commentary.length <= 1, 'only a default commentary is chosen by players');
        if (commentary.length === 0) assert.equal(new Set(purposes).size, purposes.length);
        // Members that correspond are equal in all but where they are, and how many channels they have.
        const [first] = groups.values();
        for (const [index, tag] of tags.entries()) {
          assert.deepEqual(
            { ...tag, URI: '', CHANNELS: '', 'GROUP-ID': '' },
            { ...first![index], URI: '', CHANNELS: '', 'GROUP-ID': '' },
          );
          const surrounds = audio.filter(
            (one) => soundIdOf(one) === soundIdOf(members[index]!) && one.channels > 2,
          );
          if (id === 'surround' && surrounds.length > 0) assert.ok(isSurround(members[index]!));
        }
      }
    }),
  );
});

test('a variant asks for no less than its track and the costliest sound of its group together', () => {
  fc.assert(
    fc.property(anyPresentation, (presentation) => {
      const { media, variants } = readPlaylist(manifest({ presentation, revision: REVISION }, hls.entry));
      const byUri = new Map(presentation.tracks.map((track) => [`${track.id}.m3u8`, track]));
      for (const { attributes, uri } of variants) {
        const group = media
          .filter((tag) => tag['GROUP-ID'] === attributes['AUDIO'])
          .map((tag) => byUri.get(unquote(tag['URI']))!);
        const track = byUri.get(uri)!;
        const sound = Math.max(0, ...group.map(({ bitrate }) => bitrate.peakBitsPerSecond));
        const own = track.kind === 'video' || group.length === 0 ? track.bitrate.peakBitsPerSecond : 0;
        assert.equal(Number(attributes['BANDWIDTH']), own + sound);
        const codecs = new Set([track, ...group].map((one) => one.codecs));
        assert.deepEqual(new Set(unquote(attributes['CODECS']).split(',')), codecs);
      }
      // Whoever cannot play surround finds every quality without it.
      const stereo = variants.filter(({ attributes }) => attributes['AUDIO'] !== '"surround"');
      assert.equal(stereo.length, presentation.tracks.filter(isVideo).length || 1);
      assert.deepEqual(variants.slice(0, stereo.length), stereo);
    }),
  );
});

test('in DASH exactly one sound is preferred, never for its channels, and those of each number have a set', () => {
  fc.assert(
    fc.property(anyPresentation, (presentation) => {
      const text = manifest({ presentation, revision: REVISION }, dash.entry);
      const sets = text
        .split('<AdaptationSet ')
        .slice(1)
        .filter((set) => set.includes('contentType="audio"'));
      const audio = presentation.tracks.filter(isAudio);
      assert.equal(sets.length, audio.length);
      assert.ok(sets.every((set) => set.split('<Representation ').length === 2));
      const preferred = sets.filter((set) => set.includes('selectionPriority="2"'));
      assert.equal(preferred.length, audio.length > 1 ? 1 : 0);
      if (audio.length > 1) assert.ok(preferred[0]!.includes(`id="${defaultAudio(audio)!.id}"`));
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
