/** What the engines have in common about captions. */

/** Captions as the viewer may choose them. */
export type CaptionChoice = {
  /** Names them within the engine. */
  readonly id: string;
  /** Unique among the captions of a video. */
  readonly label: string;
  /** BCP 47; empty where nobody has said. */
  readonly language: string;
  /** Shown unless the viewer wants none. */
  readonly isDefault: boolean;
  /** Only what those need who understand the sound. */
  readonly isForced: boolean;
};

/** The tracks of a media element that have text to read. */
export function captionTracks(media: HTMLMediaElement): TextTrack[] {
  return [...media.textTracks].filter(({ kind }) => kind === 'subtitles' || kind === 'captions');
}

/** Tells captions of the same label apart, in the same way in every format. */
export function toCaptions(found: readonly CaptionChoice[]): CaptionChoice[] {
  const taken = new Set<string>();
  return found.map((each) => {
    let label = each.label || each.language || 'Captions';
    for (let number = 2; taken.has(label); number++) label = `${each.label} (${number})`;
    taken.add(label);
    return { ...each, label };
  });
}
