/**
 * Markup of cue text: the tags of WebVTT are kept, those of SubRip become them, everything else is dropped or
 * escaped. What comes out is safe wherever it is shown, and well formed.
 */
import { decodeEntities, escapeText } from './entities.ts';
import { formatTimestamp, parseTimestamp } from './timestamps.ts';

/** A tag (`</i>`, `<c.yellow>`, `<v Ann>`, `<font color="red">`), a time in karaoke, text, or a `<` that is only that. */
const TOKEN = /<(\/?)([a-z][a-z0-9]*)([.\s:/][^<>]*)?>|<([\d:.]+)>|[^<]+|</gi;

/** WebVTT 4.2.2. Those with a value take an annotation. */
const TAGS = new Set(['b', 'i', 'u', 'c', 'v', 'lang', 'ruby', 'rt']);
const ANNOTATED = new Set(['v', 'lang']);

/** WebVTT 5.1: the classes that every player colours. */
const COLOURS: Readonly<Record<string, string>> = {
  white: 'white',
  lime: 'lime',
  cyan: 'cyan',
  aqua: 'cyan',
  red: 'red',
  yellow: 'yellow',
  magenta: 'magenta',
  fuchsia: 'magenta',
  blue: 'blue',
  black: 'black',
  '#ffffff': 'white',
  '#00ff00': 'lime',
  '#00ffff': 'cyan',
  '#ff0000': 'red',
  '#ffff00': 'yellow',
  '#ff00ff': 'magenta',
  '#0000ff': 'blue',
  '#000000': 'black',
};

/** Nobody can read more at once. */
const MAX_LENGTH = 5000;

type OpenTag = { readonly name: string; readonly written: string };

/** Cue text that means the same as `source`; empty where nothing of it would be seen. */
export function cueText(source: string): string {
  const open: OpenTag[] = [];
  let written = '';
  const close = (name: string): void => {
    if (!open.some((tag) => tag.name === name)) return;
    for (;;) {
      const tag = open.pop()!;
      written += endOf(tag);
      if (tag.name === name) return;
    }
  };
  for (const [whole, slash, name, rest = '', time] of source.slice(0, MAX_LENGTH).matchAll(TOKEN)) {
    if (time !== undefined) written += timestampTag(time) ?? escapeText(whole);
    else if (name === undefined) written += escapeText(plain(decodeEntities(whole)));
    else if (slash === '/') close(name.toLowerCase());
    else if (name.toLowerCase() === 'br') written += '\n';
    else {
      const tag = openTag(name.toLowerCase(), rest, open);
      if (tag === undefined) continue;
      open.push(tag);
      written += tag.written;
    }
  }
  written += open.toReversed().map(endOf).join('');
  return withoutEmptyLines(written);
}

/** Undefined for what WebVTT does not know: its text stays. */
function openTag(name: string, rest: string, open: readonly OpenTag[]): OpenTag | undefined {
  if (name === 'font') {
    const colour = /color\s*=\s*["']?([#\w]+)/i.exec(rest)?.[1]?.toLowerCase() ?? '';
    const found = COLOURS[colour];
    return { name, written: found === undefined ? '' : `<c.${found}>` };
  }
  if (!TAGS.has(name) || (name === 'rt' && open.at(-1)?.name !== 'ruby')) return undefined;
  const [, classes = '', annotation = ''] = /^((?:\.[\w-]+)*)[^\s]*(?:\s+(.*))?$/s.exec(rest) ?? [];
  const value = ANNOTATED.has(name) ? escapeText(plain(decodeEntities(annotation)).trim()) : '';
  return { name, written: `<${name}${classes}${value === '' ? '' : ` ${value.replaceAll(/\s+/g, ' ')}`}>` };
}

function endOf({ name, written }: OpenTag): string {
  if (written === '') return '';
  return name === 'font' ? '</c>' : `</${name}>`;
}

function timestampTag(text: string): string | undefined {
  const milliseconds = parseTimestamp(text);
  return milliseconds === undefined ? undefined : `<${formatTimestamp(milliseconds)}>`;
}

/** Without what no line of text holds: control characters, halves of surrogate pairs. */
function plain(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(/[\p{Cc}\u2028\u2029\ufffe\uffff]/gu, (character) =>
      character === '\n' ? '\n' : character === '\t' || character === '\u2028' ? ' ' : '',
    );
}

/** An empty line would end the cue; one that only holds tags is seen as empty. */
function withoutEmptyLines(text: string): string {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const isSeen = lines.some((line) => line.replaceAll(/<[^>]*>/g, '').trim() !== '');
  return isSeen ? lines.join('\n') : '';
}
