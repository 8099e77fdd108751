/** The sounds of a video as a viewer may choose among them, whatever library plays. */

/** One sound in one layout. */
export type Sound = {
  /** Unique among the sounds of a video, in one engine. */
  readonly id: string;
  /** As the manifest names it; the same in every layout. */
  readonly name: string;
  /** BCP 47; empty where the manifest does not say. */
  readonly language: string;
  readonly channels: number;
};

/** What a viewer would like to hear. Of another video, only the language and the layout are. */
export type SoundWish = {
  readonly name?: string | undefined;
  readonly language: string;
  readonly isSurround: boolean;
};

/** Whether it has more than stereo. */
export function isSurround({ channels }: Pick<Sound, 'channels'>): boolean {
  return channels > 2;
}

/** Whether this device has more than two channels to play on. Where that cannot be asked, it has not. */
function hasSurroundOutput(): boolean {
  if (!('AudioContext' in globalThis)) return false;
  const context = new AudioContext();
  const { maxChannelCount } = context.destination;
  void context.close();
  return maxChannelCount >= 6;
}

/** The sound that comes nearest to the wish: language before name before layout, and else the first. */
export function nearestSound<T extends Omit<Sound, 'id'>>(
  sounds: readonly T[],
  wish: SoundWish | undefined,
): T | undefined {
  const {
    name,
    language,
    isSurround: wantsSurround,
  } = wish ?? {
    language: '',
    isSurround: sounds.some(isSurround) && hasSurroundOutput(),
  };
  const nearness = (sound: T) =>
    (language !== '' && baseOf(sound.language) === baseOf(language) ? 4 : 0) +
    (sound.name === name ? 2 : 0) +
    (isSurround(sound) === wantsSurround ? 1 : 0);
  return sounds.toSorted((a, b) => nearness(b) - nearness(a))[0];
}

/** What menus call each: by name, by layout, or by both, whatever tells them apart. */
export function soundLabels(sounds: readonly Sound[]): string[] {
  const hasNames = new Set(sounds.map(({ name }) => name)).size > 1;
  return sounds.map((sound) => {
    if (!hasNames) return layoutName(sound, 'Stereo');
    return isSurround(sound) ? `${sound.name} · ${layoutName(sound, '')}` : sound.name;
  });
}

function layoutName({ channels }: Sound, stereo: string): string {
  if (channels === 6) return '5.1';
  if (channels === 8) return '7.1';
  return channels > 2 ? `${channels} channels` : stereo;
}

/** Libraries differ in whether `en-GB` stays what it was. */
function baseOf(language: string): string {
  return language.toLowerCase().split('-')[0] ?? '';
}

/** A language as those who speak it call it; empty where it has no known name. */
export function languageName(tag: string): string {
  try {
    return new Intl.DisplayNames([tag], { type: 'language', fallback: 'none' }).of(tag) ?? '';
  } catch {
    return '';
  }
}
