/** Override blocks of Advanced SubStation, `{\an8}{\i1}`, which SubRip files use as well. */

/** A text without its blocks: what of them has a tag became one. */
export type PlainText = {
  readonly text: string;
  /** The last `\an`: where the cue stands, as on a keypad. */
  readonly keypad?: number;
};

/** Turns override blocks of `text` into tags. Drawings (`\p1`) are no text, and are left out. */
export function resolveOverrides(text: string): PlainText {
  let keypad: number | undefined;
  let isDrawing = false;
  let resolved = '';
  for (const [part] of text.matchAll(/\{\\[^{}]*\}|[^{]+|\{/g)) {
    if (!part.startsWith('{\\')) {
      if (!isDrawing) resolved += part;
      continue;
    }
    for (const [, name, value = ''] of part.matchAll(/\\(an|[biup])(\d{1,4})/g)) {
      if (name === 'an') keypad = Number(value) >= 1 && Number(value) <= 9 ? Number(value) : keypad;
      else if (name === 'p') isDrawing = value !== '0';
      // Bold may be a weight: `\b700`.
      else resolved += value === '0' ? `</${name}>` : `<${name}>`;
    }
  }
  return { text: resolved, ...(keypad === undefined ? {} : { keypad }) };
}
