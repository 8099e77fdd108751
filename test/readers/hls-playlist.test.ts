import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from '../fast-check.ts';
import { isAppError } from '../../src/errors.ts';
import { parseAttributeList } from '../../src/readers/hls/attribute-list.ts';
import { type MediaPlaylist, parsePlaylist } from '../../src/readers/hls/parse-playlist.ts';

function media(...lines: string[]): MediaPlaylist {
  const playlist = parsePlaylist(['#EXTM3U', '#EXT-X-TARGETDURATION:6', ...lines].join('\n'));
  assert.equal(playlist.kind, 'media');
  return playlist as MediaPlaylist;
}

function refuses(text: string, why: RegExp): void {
  assert.throws(
    () => parsePlaylist(text),
    (error) => isAppError(error, 'package_invalid') && why.test(error.message),
  );
}

describe('media playlists', () => {
  test('durations are exact to the microsecond, and titles do not matter', () => {
    const { segments } = media(
      '#EXTINF:4.004,a, title',
      'a.ts',
      '#EXTINF:3',
      'b.ts',
      '#EXTINF:0.000001,',
      'c.ts',
    );
    assert.deepEqual(
      segments.map(({ durationTicks }) => durationTicks),
      [4_004_000, 3_000_000, 1],
    );
  });

  test('a byte range without an offset goes on where the one before it ends', () => {
    const { segments } = media(
      '#EXT-X-MAP:URI="all.mp4",BYTERANGE="700@0"',
      '#EXTINF:4,',
      '#EXT-X-BYTERANGE:1000@700',
      'all.mp4',
      '#EXTINF:4,',
      '#EXT-X-BYTERANGE:500',
      'all.mp4',
      '#EXT-X-BYTERANGE:20',
      '#EXTINF:4,',
      'all.mp4',
    );
    assert.deepEqual(
      segments.map(({ range }) => range),
      [
        { start: 700, end: 1699 },
        { start: 1700, end: 2199 },
        { start: 2200, end: 2219 },
      ],
    );
    assert.deepEqual(segments[2]?.init, { uri: 'all.mp4', range: { start: 0, end: 699 } });
  });

  test('a byte range that goes on from another file is refused', () => {
    const start = '#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXTINF:4,\n';
    refuses(`${start}#EXT-X-BYTERANGE:500\na.ts`, /does not say where it starts/);
    refuses(`${start}#EXT-X-BYTERANGE:5@0\na.ts\n#EXTINF:4,\n#EXT-X-BYTERANGE:5\nb.ts`, /does not say where/);
  });

  test('a map holds until the next one', () => {
    const segment = ['#EXTINF:4,', 's.m4s'];
    const { segments } = media(
      '#EXT-X-MAP:URI="1.mp4"',
      ...segment,
      ...segment,
      '#EXT-X-MAP:URI="2.mp4"',
      ...segment,
    );
    assert.deepEqual(
      segments.map(({ init }) => init?.uri),
      ['1.mp4', '1.mp4', '2.mp4'],
    );
  });

  test('keys, discontinuities and the end are seen; CRLF and a byte order mark do no harm', () => {
    const text =
      '#EXTM3U\r\n#EXT-X-TARGETDURATION:4\r\n#EXT-X-KEY:METHOD=AES-128,URI="key.bin"\r\n#EXTINF:4,\r\na.ts\r\n';
    const end = '#EXT-X-DISCONTINUITY\r\n#EXTINF:4,\r\nb.ts\r\n#EXT-X-ENDLIST\r\n';
    const playlist = parsePlaylist(new TextDecoder().decode(new TextEncoder().encode(`\ufeff${text}${end}`)));
    assert.ok(playlist.kind === 'media');
    assert.deepEqual([playlist.isEnded, playlist.isEncrypted, playlist.keyUris], [true, true, ['key.bin']]);
    assert.deepEqual(
      playlist.segments.map(({ isDiscontinuous }) => isDiscontinuous),
      [false, true],
    );
  });

  test('what is not HLS is refused, and says why', () => {
    refuses('', /#EXTM3U/);
    refuses('<html></html>', /#EXTM3U/);
    refuses('#EXTM3U\n#EXTINF:200,Artist - Song\nsong.mp3', /TARGETDURATION/);
    refuses('#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-ENDLIST', /no segments/);
    refuses('#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:four,\na.ts', /duration/);
    refuses('#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n#EXT-X-ENDLIST', /no variant/);
  });
});

describe('attribute lists', () => {
  test('commas inside quotes do not part, and names need no order', () => {
    const list = parseAttributeList(
      'CODECS="avc1.64001f,mp4a.40.2", BANDWIDTH=1000,RESOLUTION=1280x720,NAME="a=b"',
    );
    assert.deepEqual(Object.fromEntries(list), {
      CODECS: 'avc1.64001f,mp4a.40.2',
      BANDWIDTH: '1000',
      RESOLUTION: '1280x720',
      NAME: 'a=b',
    });
  });

  test('eight megabytes without sense take no time', { timeout: 30_000 }, () => {
    for (const text of ['A'.repeat(8e6), 'A='.repeat(4e6), 'A="'.repeat(2e6), ',='.repeat(4e6)]) {
      parseAttributeList(text);
    }
  });
});

describe('playlists that nobody vouches for', () => {
  const line = fc.oneof(
    fc.constantFrom(
      '#EXTM3U',
      '#EXT-X-TARGETDURATION:4',
      '#EXTINF:4,',
      'a.ts',
      '#EXT-X-ENDLIST',
      '#EXT-X-DISCONTINUITY',
      '#EXT-X-BYTERANGE:10@5',
      '#EXT-X-BYTERANGE:10',
      '#EXT-X-MAP:URI="i.mp4",BYTERANGE="9"',
      '#EXT-X-MAP:',
      '#EXT-X-KEY:METHOD=AES-128,URI="k"',
      '#EXT-X-STREAM-INF:BANDWIDTH=1',
      '#EXT-X-MEDIA:TYPE=AUDIO',
      '#',
      '#EXTINF:1e99,',
      '#EXTINF:-1,',
      '#EXT-X-BYTERANGE:99999999999999999999',
      '#EXT-X-BYTERANGE:0@0',
    ),
    fc.string(),
  );

  test('they are read or refused with package_invalid; segments have whole durations and ranges', () => {
    fc.assert(
      fc.property(fc.array(line, { maxLength: 30 }), fc.boolean(), (lines, hasStart) => {
        const text = [...(hasStart ? ['#EXTM3U', '#EXT-X-TARGETDURATION:4'] : []), ...lines].join('\n');
        try {
          const playlist = parsePlaylist(text);
          if (playlist.kind !== 'media') return;
          for (const { durationTicks, range } of playlist.segments) {
            assert.ok(Number.isSafeInteger(durationTicks) && durationTicks > 0);
            assert.ok(range === undefined || (Number.isSafeInteger(range.end) && range.end >= range.start));
          }
        } catch (error) {
          assert.ok(isAppError(error, 'package_invalid'), String(error));
        }
      }),
      { numRuns: 5000 },
    );
  });
});
