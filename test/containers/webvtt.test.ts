import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from '../fast-check.ts';
import { isAppError } from '../../src/errors.ts';
import type { Cue } from '../../src/containers/webvtt/cue.ts';
import { parseCaptions } from '../../src/containers/webvtt/parse-captions.ts';
import { packetMarkup, TEXT_CODECS } from '../../src/containers/webvtt/subtitle-packet.ts';
import { formatTimestamp, parseTimestamp } from '../../src/containers/webvtt/timestamps.ts';
import { writeWebvtt } from '../../src/containers/webvtt/write-webvtt.ts';

/** `start-end text`, in milliseconds. */
function shown(text: string): string[] {
  return parseCaptions(text).map((cue) => `${cue.startMs}-${cue.endMs} ${cue.text}`);
}

/** The text of a single cue whose lines are `text`. */
function textOf(text: string, header = 'WEBVTT\n\n'): string {
  return parseCaptions(`${header}00:00:01.000 --> 00:00:02.000\n${text}\n`)[0]?.text ?? '';
}

function settingsOf(rest: string): string {
  return parseCaptions(`WEBVTT\n\n00:01.000 --> 00:02.000 ${rest}\na\n`)[0]?.settings ?? '';
}

function refusal(text: string): string {
  try {
    parseCaptions(text);
  } catch (error) {
    if (isAppError(error)) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'taken';
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

suite('WebVTT', () => {
  test('takes cues, leaves out comments, styles, regions and identifiers', () => {
    const file = [
      'WEBVTT - a title\nKind: captions',
      'STYLE\n::cue { background: url(https://evil.example/x) }',
      'REGION\nid:fred',
      'NOTE a comment\nof two lines',
      'intro\n00:01.000 --> 00:02.500 line:0 region:fred\nHello\nworld',
      '100:00\n00:00:03.000 --> 00:00:04.000\nAgain',
    ].join('\n\n');
    assert.deepEqual(shown(file), ['1000-2500 Hello\nworld', '3000-4000 Again']);
    assert.equal(parseCaptions(file)[0]?.settings, 'line:0');
  });

  test('ends lines at CR, LF or both, and skips a byte order mark', () => {
    const expected = ['1000-2000 a\nb'];
    for (const end of ['\n', '\r\n', '\r']) {
      const file = `\ufeffWEBVTT${end}${end}00:01.000 --> 00:02.000${end}a${end}b${end}`;
      assert.deepEqual(shown(file), expected, JSON.stringify(end));
    }
  });

  test('keeps valid settings only', () => {
    assert.equal(
      settingsOf('line:90%,end position:10%,line-left size:35% align:middle'),
      'line:90%,end position:10%,line-left size:35% align:center',
    );
    assert.equal(settingsOf('line:x size:200% vertical:up position:-5% onclick:alert(1)'), '');
    assert.equal(settingsOf('align:start align:end'), 'align:end');
  });

  test('keeps its tags, closes what is open and drops what it does not know', () => {
    assert.equal(
      textOf('<v.loud Ann Smith>Hi <i>there</v> <c.yellow.x>you'),
      '<v.loud Ann Smith>Hi <i>there</i></v> <c.yellow.x>you</c>',
    );
    assert.equal(
      textOf('<ruby>\u6f22<rt>kan</rt></ruby><rt>alone</rt>'),
      '<ruby>\u6f22<rt>kan</rt></ruby>alone',
    );
    assert.equal(textOf('one <00:01.500>two'), 'one <00:00:01.500>two');
    assert.equal(textOf('<script>alert(1)</script><img src=x onerror=alert(1)>!'), 'alert(1)!');
    assert.equal(textOf('<b onclick="x">bold</b>'), '<b>bold</b>');
    assert.equal(textOf('<lang en-GB>colour</lang>'), '<lang en-GB>colour</lang>');
  });

  test('escapes what is only text', () => {
    assert.equal(textOf('a < b && c > d <3'), 'a &lt; b &amp;&amp; c &gt; d &lt;3');
    assert.equal(
      textOf('&lt;script&gt; &amp; &eacute; &#233; &nbsp;x'),
      '&lt;script&gt; &amp; &amp;eacute; \u00e9 \u00a0x',
    );
    assert.equal(textOf('a\ud800b\u0007c\u0085'), 'a\ufffdbc');
  });

  test('leaves out cues without anything to see', () => {
    assert.deepEqual(shown('WEBVTT\n\n00:01.000 --> 00:02.000\n<i> </i>\n\n00:03.000 --> 00:04.000\nx'), [
      '3000-4000 x',
    ]);
  });
});

suite('SubRip', () => {
  test('takes dots and commas, missing numbers and hours, and empty lines in a text', () => {
    const file = `1
00:00:01,000 --> 00:00:02,000
First

still first

2
00:00:03.5 -> 00:00:04,25
Second
0:1:00,000 --> 0:1:01:500
42

4
01:30,000 --> 01:31,000 X1:10 X2:20 Y1:30 Y2:40
Last
`;
    assert.deepEqual(shown(file), [
      '1000-2000 First\nstill first',
      '3500-4250 Second',
      '60000-61500 42',
      '90000-91000 Last',
    ]);
  });

  test('makes its tags and positions those of WebVTT', () => {
    assert.equal(
      textOf('<font color="#FFFF00" size=3>y</font><FONT face=x>z</FONT>', ''),
      '<c.yellow>y</c>z',
    );
    assert.equal(textOf('{\\i1}slanted{\\i0} <B>bold</B><s>x</s>', ''), '<i>slanted</i> <b>bold</b>x');
    const [top] = parseCaptions('00:00:01,000 --> 00:00:02,000\n{\\an9\\bord2}up\n');
    assert.deepEqual([top?.settings, top?.text], ['line:0 align:right', 'up']);
    const [bottom] = parseCaptions('00:00:01,000 --> 00:00:02,000\n{\\an2}down {now}\n');
    assert.deepEqual([bottom?.settings, bottom?.text], ['', 'down {now}']);
  });
});

suite('Packets of subtitle tracks', () => {
  test('Advanced SubStation: the text behind the eighth comma', () => {
    const event = '4,0,Default,,0,0,0,,One, {\\i1}two{\\i0}\\Nthree\\hfour <5>';
    assert.equal(packetMarkup('ass', bytes(event)), 'One, {\\i1}two{\\i0}\nthree\u00a0four &lt;5&gt;');
  });

  test('timed text: its styles, in characters, and UTF-16', () => {
    const text = bytes('a😀bc<d');
    const style = [0, 0, 0, 34, 0x73, 0x74, 0x79, 0x6c, 0, 2];
    const bold = [0, 1, 0, 3, 0, 1, 1, 18, 255, 255, 255, 255];
    const both = [0, 4, 0, 6, 0, 1, 6, 18, 255, 255, 255, 255];
    const packet = Uint8Array.of(0, text.length, ...text, ...style, ...bold, ...both);
    assert.equal(packetMarkup('mov_text', packet), 'a<b>😀b</b>c<i><u>&lt;d</u></i>');
    assert.equal(packetMarkup('mov_text', Uint8Array.of(0, 4, 0xfe, 0xff, 0, 0x61)), 'a');
  });

  test('whatever is in them, text comes out', () => {
    const header = Uint8Array.of(0, 2, 97, 98, 0, 0, 0, 34, 0x73, 0x74, 0x79, 0x6c, 0, 9);
    fc.assert(
      fc.property(fc.constantFrom(...TEXT_CODECS), fc.uint8Array({ maxLength: 60 }), (codec, tail) => {
        for (const packet of [tail, Uint8Array.of(...header, ...tail)]) {
          assert.equal(typeof packetMarkup(codec, packet), 'string');
        }
      }),
    );
  });
});

suite('Wrong times', () => {
  test('are put in order and mended', () => {
    const cues = [
      ['00:00:10,000', '00:00:09,000', 'ends before it starts'],
      ['00:00:01,000', '00:00:01,000', 'has no length'],
      ['00:00:02,000', '00:00:05,000', 'overlaps'],
      ['00:00:02,000', '00:00:03,000', 'this one'],
      ['-00:00:05,000', '00:00:01,500', 'starts before the video'],
      ['-00:00:05,000', '-00:00:04,000', 'lies before the video'],
      ['9999:00:00,000', '9999:00:01,000', 'lies beyond any video'],
    ] as const;
    const file = cues.map(([start, end, text]) => `${start} --> ${end}\n${text}`).join('\n\n');
    assert.deepEqual(shown(file), [
      '0-1500 starts before the video',
      '1000-2000 has no length',
      '2000-3000 this one',
      '2000-5000 overlaps',
      '10000-13000 ends before it starts',
    ]);
  });
});

suite('What is not taken', () => {
  test('is refused with a code and a reason', () => {
    assert.match(refusal(''), /^captions_empty: /);
    assert.match(refusal(' \r\n\n'), /^captions_empty: /);
    assert.match(refusal('WEBVTT\n\nNOTE nothing else'), /^captions_empty: /);
    assert.match(refusal('00:00:01,000 --> 00:00:02,000\n\n'), /^captions_empty: /);
    assert.match(refusal('WEBVTT\0'), /^captions_not_text: /);
    assert.match(refusal('Dear diary,\nno times today'), /^captions_invalid: .*neither/);
    assert.match(refusal('WEBVTT\n\nsoon --> later\nHi'), /^captions_invalid: line 3 /);
    const many = '00:00:01,000 --> 00:00:02,000\nx\n\n'.repeat(50_001);
    assert.match(refusal(many), /^captions_too_large: /);
  });

  test('takes no longer than it should, whatever is written', () => {
    const before = performance.now();
    // All at once, without an end, without an empty line: each would look at all others.
    const cues = 'WEBVTT\n' + '00:01.000 --> 00:00.000\nx\n'.repeat(50_000);
    assert.equal(parseCaptions(cues).length, 50_000);
    for (const hostile of ['<', '<a', '<b>', '&#', '{\\', '{', '-->', '1:', ' ', '<v ']) {
      refusal(`WEBVTT\n\n00:01.000 --> 00:02.000\n${hostile.repeat(200_000)}`);
      refusal(`${hostile.repeat(200_000)}-->`);
    }
    assert.ok(performance.now() - before < 30_000);
  });
});

suite('Properties', () => {
  const time = fc.integer({ min: -5000, max: 400_000_000 }).map((ms) => {
    const text = formatTimestamp(Math.abs(ms));
    return ms < 0 ? `-${text}` : text;
  });
  const scrap = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom(
      '<script>',
      '</script',
      '<b',
      '<i>',
      '</b>',
      '-->',
      '{\\an8}',
      '&lt;',
      '\n\n',
      '\r',
      '<v x>',
      '<c.',
      '1\n',
      'NOTE',
      '<<',
      '&#0;',
      '<00:01.000>',
      '<ruby>',
      '<rt>',
      '{\\p1}',
    ),
  );
  const block = fc
    .tuple(time, time, fc.array(scrap, { maxLength: 8 }))
    .map(([start, end, text]) => `${start} --> ${end}\n${text.join('')}\n\n`);
  const file = fc
    .tuple(
      fc.constantFrom('WEBVTT\n\n', '', '\ufeffWEBVTT x\n'),
      fc.array(fc.oneof(block, scrap), { maxLength: 12 }),
    )
    .map(([header, parts]) => header + parts.join(''));

  test('whatever comes in, a refusal or safe cues come out, and these are written and read unchanged', () => {
    fc.assert(
      fc.property(file, (text) => {
        let cues: readonly Cue[];
        try {
          cues = parseCaptions(text);
        } catch (error) {
          assert.ok(isAppError(error), String(error));
          return;
        }
        const written = writeWebvtt(cues);
        assert.doesNotMatch(written, /<\/?(?:script|img|iframe|a|style)/i);
        assert.doesNotMatch(written, /[^\P{Cc}\n]/u);
        assert.deepEqual(parseCaptions(written), cues);
        for (const [index, cue] of cues.entries()) {
          assert.ok(cue.startMs >= 0 && cue.endMs > cue.startMs);
          assert.ok(cue.startMs >= (cues[index - 1]?.startMs ?? 0));
        }
      }),
      { numRuns: 1000 },
    );
  });

  test('times are written as they are read', () => {
    fc.assert(
      fc.property(fc.nat({ max: 400_000_000 }), (ms) =>
        assert.equal(parseTimestamp(formatTimestamp(ms)), ms),
      ),
    );
  });
});
