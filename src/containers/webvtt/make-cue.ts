import type { Cue } from './cue.ts';
import { cueText } from './markup.ts';
import { resolveOverrides } from './overrides.ts';
import { cueSettings, keypadSettings } from './settings.ts';

/** The cue of a text with whatever markup; `settings` are taken as far as they are valid. Undefined for nothing to see. */
export function makeCue(startMs: number, endMs: number, source: string, settings = ''): Cue | undefined {
  const { text: tagged, keypad } = resolveOverrides(source);
  const text = cueText(tagged);
  if (text === '') return undefined;
  const placed = keypad === undefined ? '' : keypadSettings(keypad);
  return { startMs, endMs, settings: cueSettings(settings) || placed, text };
}
