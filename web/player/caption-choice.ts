/** Which captions are shown: what the viewer chose last, here or in another video, or what the video says. */
import type { CaptionChoice } from './engines/captions.ts';
import { type CaptionWish, preferredCaptions, rememberCaptions } from './preferences.ts';

/** Holds the wish; where the browser keeps nothing, it is at least known until the page is left. */
export class CaptionWishes {
  #wish: CaptionWish | undefined = preferredCaptions();
  /** What comes back when captions are switched on. */
  #last: CaptionWish | undefined;
  /** The viewer took away what was shown by itself. That is meant for this video. */
  #isForcedRefused = false;

  /**
   * Those to show, of the ones there are; undefined for none. Without captions there are still those that everybody
   * needs who understands the sound: signs, and what is said in other languages.
   */
  choose(captions: readonly CaptionChoice[], soundLanguage: string): CaptionChoice | undefined {
    const isNeeded = ({ isForced, language }: CaptionChoice) =>
      isForced && !this.#isForcedRefused && isSameLanguage(language, soundLanguage);
    return this.chosen(captions) ?? captions.find(isNeeded);
  }

  /** Those that the viewer has chosen, or that the video shows to everyone. */
  chosen(captions: readonly CaptionChoice[]): CaptionChoice | undefined {
    if (this.#wish === undefined) return captions.find(({ isDefault }) => isDefault);
    return this.#wish === 'off' ? undefined : bestOf(captions, this.#wish);
  }

  /** The viewer chose `choice`, or none, while `shown` is on screen. */
  set(choice: CaptionChoice | undefined, shown: CaptionChoice | undefined): void {
    if (choice === undefined) {
      this.#isForcedRefused ||= shown?.isForced === true;
      this.#wish = 'off';
    } else {
      const { language, label, isForced } = choice;
      this.#wish = { language, label, isForced };
      this.#last = this.#wish;
    }
    rememberCaptions(this.#wish);
  }

  /** Those that a viewer means who only says "captions": the last ones, the default, the browser's language, the first. */
  whenSwitchedOn(captions: readonly CaptionChoice[]): CaptionChoice | undefined {
    const full = captions.filter(({ isForced }) => !isForced);
    const candidates = full.length > 0 ? full : captions;
    const last = this.#last === undefined || this.#last === 'off' ? undefined : bestOf(captions, this.#last);
    const inOwnLanguage = navigator.languages
      .map((language) => candidates.find((each) => isSameLanguage(each.language, language)))
      .find((each) => each !== undefined);
    return last ?? candidates.find(({ isDefault }) => isDefault) ?? inOwnLanguage ?? candidates[0];
  }
}

/** The same ones, or others in the same language, or in another kind of it. Forced ones stand in for nothing else. */
function bestOf(
  captions: readonly CaptionChoice[],
  wish: Exclude<CaptionWish, 'off'>,
): CaptionChoice | undefined {
  const inLanguage = captions.filter(({ language }) => language === wish.language);
  const same = inLanguage.find(({ label }) => label === wish.label);
  if (same !== undefined || wish.isForced) return same;
  const full = captions.filter(({ isForced }) => !isForced);
  return (
    full.find(({ language }) => language === wish.language) ??
    full.find(({ language }) => language !== '' && isSameLanguage(language, wish.language))
  );
}

/** Two of which nobody has said anything are taken to be in the same. */
function isSameLanguage(one: string, other: string): boolean {
  return baseOf(one) === baseOf(other);
}

function baseOf(language: string): string {
  const base = language.split('-', 1)[0]!.toLowerCase();
  return base === 'und' ? '' : base;
}
