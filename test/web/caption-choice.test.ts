import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { CaptionWishes } from '../../web/player/caption-choice.ts';
import type { CaptionChoice } from '../../web/player/engines/captions.ts';

const kept = new Map<string, string>();
Object.defineProperty(globalThis, 'localStorage', {
  value: {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => kept.set(key, value),
  },
});

const [english, german, signs] = [
  caption('English', 'en'),
  caption('Deutsch', 'de'),
  caption('Deutsch (forced)', 'de', { isForced: true }),
];
const ALL = [english, german, signs];

describe('which captions are shown', () => {
  beforeEach(() => kept.clear());

  it('by themselves: the default, or else what is forced in the language that is heard', () => {
    const wishes = new CaptionWishes();
    const shown = (captions: readonly CaptionChoice[], sound: string) =>
      wishes.choose(captions, sound)?.label;
    assert.equal(shown(ALL, 'en'), undefined);
    assert.equal(shown(ALL, 'de-AT'), 'Deutsch (forced)');
    assert.equal(shown(ALL, ''), undefined);
    assert.equal(shown([english, caption('Signs', 'und', { isForced: true })], ''), 'Signs');
    assert.equal(shown([...ALL, caption('Français', 'fr', { isDefault: true })], 'de'), 'Français');
  });

  it('forced ones stay when others are switched off, and go when they are what is taken away', () => {
    const wishes = new CaptionWishes();
    wishes.set(english, signs);
    assert.equal(wishes.choose(ALL, 'de'), english);
    wishes.set(undefined, english);
    assert.equal(wishes.choose(ALL, 'de'), signs);
    wishes.set(undefined, signs);
    assert.equal(wishes.choose(ALL, 'de'), undefined);
    // That was meant for this video: in another one they are needed as before.
    assert.equal(new CaptionWishes().choose(ALL, 'de'), signs);
  });

  it('what was chosen, in other videos too, where forced ones stand in for nothing else', () => {
    new CaptionWishes().set(german, undefined);
    assert.equal(new CaptionWishes().choose(ALL, 'en'), german);
    const swiss = caption('Schwiizerdütsch', 'de-CH');
    assert.equal(new CaptionWishes().choose([english, signs, swiss], 'en'), swiss);
    assert.equal(new CaptionWishes().choose([english, signs], 'en'), undefined);
    new CaptionWishes().set(signs, undefined);
    assert.equal(new CaptionWishes().choose(ALL, 'en'), signs);
    assert.equal(new CaptionWishes().choose([english, german], 'en'), undefined);
  });

  it('switched on: the last ones, and forced ones only where there are no others', () => {
    const wishes = new CaptionWishes();
    assert.notEqual(wishes.whenSwitchedOn([signs, german]), signs);
    assert.equal(wishes.whenSwitchedOn([signs]), signs);
    wishes.set(german, undefined);
    wishes.set(undefined, german);
    assert.equal(wishes.whenSwitchedOn(ALL), german);
  });
});

function caption(
  label: string,
  language: string,
  { isDefault = false, isForced = false }: Partial<CaptionChoice> = {},
): CaptionChoice {
  return { id: label, label, language, isDefault, isForced };
}
