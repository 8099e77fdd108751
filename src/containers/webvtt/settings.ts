/** Cue settings: where a cue stands in the picture (WebVTT 4.4). */

const PERCENT = '(?:100(?:\\.0+)?|\\d{1,2}(?:\\.\\d{1,6})?)%';

/** `region` is not among them: regions are dropped with the block that describes them. */
const SETTINGS: readonly RegExp[] = [
  /^vertical:(?:rl|lr)$/,
  new RegExp(`^line:(?:-?\\d{1,4}|${PERCENT})(?:,(?:start|center|end))?$`),
  new RegExp(`^position:${PERCENT}(?:,(?:line-left|center|line-right))?$`),
  new RegExp(`^size:${PERCENT}$`),
  /^align:(?:start|center|end|left|right)$/,
];

/** Those of `text` that are valid, each name once. What else stands there (SubRip's coordinates) is left out. */
export function cueSettings(text: string): string {
  const kept = new Map<string, string>();
  for (const word of text.split(/\s+/)) {
    // What drafts of WebVTT called the middle.
    const setting = word === 'align:middle' ? 'align:center' : word;
    if (SETTINGS.some((pattern) => pattern.test(setting))) kept.set(setting.split(':', 1)[0]!, setting);
  }
  return [...kept.values()].join(' ');
}

/**
 * Where Advanced SubStation's `\an` puts a line, as numbers lie on a keypad: 8 is the top in the middle. The bottom in
 * the middle is what WebVTT does anyway.
 */
export function keypadSettings(key: number): string {
  const row = Math.floor((key - 1) / 3);
  const column = (key - 1) % 3;
  return [
    ...(row === 2 ? ['line:0'] : row === 1 ? ['line:50%'] : []),
    ...(column === 0 ? ['align:left'] : column === 2 ? ['align:right'] : []),
  ].join(' ');
}
