/** Which captions are shown: what the viewer chose last, here or in another video, or what the video says. */
import type { CaptionChoice } from './engines/captions.ts';
import { type CaptionWish, preferredCaptions, rememberCaptions } from './preferences.ts';

/** Holds the wish; where the browser keeps nothing, it is at least known until the page is left. */
export class CaptionWishes {
  #wish: CaptionWish | undefined = preferredCaptions();
  /** What comes back when captions are switched on. */
  #last: CaptionWish | undefined;

  /** The label of those to show, of the ones there are; undefined for none. */
  choose(captions: readonly CaptionChoice[]): string | undefined {
    if (this.#wish === undefined) return captions.find(({ isDefault }) => isDefault)?.label;
    return this.#wish === 'off' ? undefined : bestOf(captions, this.#wish)?.label;
  }

  /** The viewer chose these; undefined for none. */
  set(choice: CaptionChoice | undefined): void {
    if (choice !== undefined) this.#last = { language: choice.language, label: choice.label };
    this.#wish = choice === undefined ? 'off' : { language: choice.language, label: choice.label };
    rememberCaptions(this.#wish);
  }

  /** Those that a viewer means who only says "captions": the last ones, the default, the browser's language, the first. */
  whenSwitchedOn(captions: readonly CaptionChoice[]): CaptionChoice | undefined {
    const last = this.#last === undefined || this.#last === 'off' ? undefined : bestOf(captions, this.#last);
    const inOwnLanguage = navigator.languages
      .map((language) => captions.find((each) => baseOf(each.language) === baseOf(language)))
      .find((each) => each !== undefined);
    return last ?? captions.find(({ isDefault }) => isDefault) ?? inOwnLanguage ?? captions[0];
  }
}

/** The same ones, or others in the same language, or in another kind of it. */
function bestOf(
  captions: readonly CaptionChoice[],
  wish: Exclude<CaptionWish, 'off'>,
): CaptionChoice | undefined {
  const inLanguage = captions.filter(({ language }) => language === wish.language);
  return (
    inLanguage.find(({ label }) => label === wish.label) ??
    inLanguage[0] ??
    captions.find(({ language }) => language !== '' && baseOf(language) === baseOf(wish.language))
  );
}

function baseOf(language: string): string {
  return language.split('-', 1)[0]!.toLowerCase();
}
