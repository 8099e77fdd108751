/**
 * One video in one media element: which format plays, in which quality, and what happens when that changes.
 * Knows nothing of the controls.
 */
import { CaptionWishes } from './caption-choice.ts';
import { type CaptionChoice, captionTracks } from './engines/captions.ts';
import { fetchEngine, hasMediaSource } from './engines/choose.ts';
import type {
  Engine,
  EngineName,
  Format,
  PlaybackFailure,
  Quality,
  QualityChoice,
} from './engines/engine.ts';
import { isSurround, type Sound, type SoundWish } from './engines/sounds.ts';
import {
  preferredFormat,
  preferredLines,
  preferredSound,
  rememberFormat,
  rememberLines,
  rememberSound,
} from './preferences.ts';

export type Sources = Readonly<Partial<Record<Format, string | undefined>>>;

export type LoadOptions = {
  readonly startSeconds: number;
  readonly isFullyEncoded: boolean;
  /** Play as soon as something can. Browsers may refuse, then it stays paused. */
  readonly play: boolean;
  /** To begin with, where the viewer prefers none that there is. */
  readonly format?: string | undefined;
};

/** What the menus show. */
export type SessionState = {
  /** Formats that this video has. */
  readonly formats: readonly Format[];
  readonly format?: Format;
  readonly engine?: EngineName;
  readonly qualities: readonly Quality[];
  readonly choice: QualityChoice;
  /** The quality on screen. */
  readonly playing?: Quality;
  readonly sounds: readonly Sound[];
  /** The one that is heard. */
  readonly sound?: Sound;
  readonly captions: readonly CaptionChoice[];
  /** The label of those that are shown. */
  readonly shownCaptions?: string;
  /** Forced ones, shown by themselves, are not what "on" means, unless there are no others. */
  readonly areCaptionsOn: boolean;
};

export type SessionEvents = {
  onChange(): void;
  onFailure(failure: PlaybackFailure): void;
  /** The browser does not let it play before the viewer has touched the page. */
  onPlayRefused(): void;
};

/** Holds at most one engine; the newest wish wins over what is still being loaded. */
export class Session {
  readonly #media: HTMLVideoElement;
  readonly #events: SessionEvents;
  #sources: Sources = {};
  #options: LoadOptions = { startSeconds: 0, isFullyEncoded: false, play: false };
  #format: Format | undefined;
  #engine: Engine | undefined;
  #choice: QualityChoice = 'auto';
  #isChoiceApplied = false;
  #sound: SoundWish | undefined;
  readonly #captionWishes = new CaptionWishes();
  #shownCaptions: string | undefined;
  /** What the viewer wants. */
  #isToPlay = false;
  /** What the engine was told last. */
  #appliedCaptions: string | undefined;
  /** Counts loads, so that a slow one can tell that it has been overtaken. */
  #generation = 0;

  constructor(media: HTMLVideoElement, events: SessionEvents) {
    this.#media = media;
    this.#events = events;
    media.addEventListener('play', () => this.wish({ isToPlay: true }));
    media.addEventListener('pause', () => this.wish({ isToPlay: false }));
  }

  /** For tests and odd devices: `native` makes the browser play HLS itself. Takes effect with the next load. */
  engineWish: EngineName | undefined;

  get isLoaded(): boolean {
    return this.#engine !== undefined;
  }

  get state(): SessionState {
    const playing = this.#engine?.playing();
    const sound = this.#engine?.playingSound();
    const captions = this.#engine?.captions() ?? [];
    return {
      formats: formatsOf(this.#sources),
      ...(this.#format === undefined ? {} : { format: this.#format }),
      ...(this.#engine === undefined ? {} : { engine: this.#engine.name }),
      qualities: this.#engine?.qualities() ?? [],
      choice: this.#choice,
      captions,
      areCaptionsOn: this.#areCaptionsOn(captions),
      ...(this.#shownCaptions === undefined ? {} : { shownCaptions: this.#shownCaptions }),
      ...(playing === undefined ? {} : { playing }),
      sounds: this.#engine?.sounds() ?? [],
      ...(sound === undefined ? {} : { sound }),
    };
  }

  /**
   * What the viewer asks of the media element. It is told here too, since an element that is given a source pauses, and forgets
   * the `play` event that it has not fired yet (HTML, media element load algorithm).
   */
  wish({ isToPlay }: { readonly isToPlay: boolean }): void {
    this.#isToPlay = isToPlay;
  }

  /** Plays these addresses from now on, in the format that the viewer prefers. */
  load(sources: Sources, options: LoadOptions): Promise<void> {
    this.#sources = sources;
    this.#options = options;
    this.#sound = preferredSound();
    const formats = formatsOf(sources);
    const wishes = [preferredFormat(), options.format];
    this.#format = wishes.flatMap((wish) => formats.find((format) => format === wish) ?? [])[0] ?? formats[0];
    this.#isToPlay = options.play;
    return this.#start(options.startSeconds);
  }

  /** Goes on in another format, from where it is. */
  setFormat(format: Format): Promise<void> {
    if (format === this.#format) return Promise.resolve();
    rememberFormat(format);
    this.#format = format;
    return this.#start(this.#media.currentTime);
  }

  /** Plays this quality, or the one that suits. */
  setQuality(choice: QualityChoice): void {
    const lines = this.#engine?.qualities().find(({ id }) => id === choice)?.lines;
    rememberLines(lines ?? 'auto');
    this.#choice = lines === undefined ? 'auto' : choice;
    this.#engine?.select(this.#choice);
    this.#events.onChange();
  }

  /** Plays this sound from now on, and its language in other videos, too. */
  setSound(id: string): void {
    const sound = this.#engine?.sounds().find((one) => one.id === id);
    if (sound === undefined) return;
    const { name, language } = sound;
    this.#sound = { name, language, isSurround: isSurround(sound) };
    rememberSound(this.#sound);
    if (this.#engine?.selectSound(id) === true) this.#events.onChange();
    else void this.#start(this.#media.currentTime);
  }

  /** Shows the captions of this label, or none. */
  setCaptions(label: string | undefined): void {
    const captions = this.#engine?.captions() ?? [];
    const captionsOf = (wanted: string | undefined) => captions.find((each) => each.label === wanted);
    this.#captionWishes.set(captionsOf(label), captionsOf(this.#shownCaptions));
    this.#changed();
  }

  /** Captions on or off; the label of those that are on then. */
  toggleCaptions(): string | undefined {
    const captions = this.#engine?.captions() ?? [];
    const next = this.#captionWishes.whenSwitchedOn(captions);
    this.setCaptions(this.#areCaptionsOn(captions) ? undefined : next?.label);
    return this.#shownCaptions;
  }

  /** Loads the manifests anew, and goes on from where it is. Nothing where nothing was loaded. */
  async reload(): Promise<void> {
    if (this.isLoaded) await this.#start(this.#media.currentTime);
  }

  /** Starts anew after a failure, from where it stopped. */
  retry(): Promise<void> {
    const { currentTime } = this.#media;
    this.#isToPlay = true;
    return this.#start(currentTime > 0 ? currentTime : this.#options.startSeconds);
  }

  async destroy(): Promise<void> {
    this.#generation++;
    const engine = this.#engine;
    this.#engine = undefined;
    if (engine === undefined) return;
    // Where captions are on screen as their track goes, Chromium shows the next that come, which nobody has chosen, and
    // the next engine takes that for a wish of the viewer.
    for (const track of captionTracks(this.#media)) track.mode = 'disabled';
    await engine.destroy();
  }

  async #start(startSeconds: number): Promise<void> {
    const { playbackRate } = this.#media;
    await this.destroy();
    const generation = this.#generation;
    const format = this.#format;
    const url = format === undefined ? undefined : this.#sources[format];
    if (format === undefined || url === undefined) return;

    this.#choice = 'auto';
    this.#isChoiceApplied = false;
    this.#shownCaptions = undefined;
    this.#appliedCaptions = undefined;
    this.#whenMetadata(generation, () => {
      this.#media.playbackRate = playbackRate;
      if (this.#isToPlay) this.#play();
    });
    const isCurrent = () => generation === this.#generation;
    const startEngine = await fetchEngine(format, this.#media, this.engineWish).catch(
      libraryMissing(this.#events),
    );
    // Another start was quicker, as when somebody presses play meanwhile: a media element bears one engine.
    if (!isCurrent()) return;
    if (startEngine === undefined) {
      this.#events.onFailure(NO_ENGINE);
      return;
    }
    this.#engine = startEngine({
      media: this.#media,
      url,
      startSeconds,
      sound: this.#sound,
      isFullyEncoded: this.#options.isFullyEncoded,
      onChange: () => isCurrent() && this.#changed(),
      onFailure: (failure) => isCurrent() && this.#events.onFailure(failure),
    });
    this.#changed();
  }

  #play(): void {
    this.#media.play().catch((error: Error) => {
      // Otherwise another source has come in between, and is to be played.
      if (error.name !== 'NotAllowedError') return;
      this.#isToPlay = false;
      this.#events.onPlayRefused();
    });
  }

  /** A source that loads resets rate and pause, so both are set once it has. */
  #whenMetadata(generation: number, action: () => void): void {
    const onLoaded = () => generation === this.#generation && action();
    this.#media.addEventListener('loadedmetadata', onLoaded, { once: true });
  }

  #changed(): void {
    const qualities = this.#engine?.qualities() ?? [];
    if (!this.#isChoiceApplied && qualities.length > 0) {
      this.#isChoiceApplied = true;
      this.#applyPreference(qualities);
    }
    this.#applyCaptions();
    this.#events.onChange();
  }

  /** Tracks come one by one, and engines have ideas of their own about which of them to show. */
  #applyCaptions(): void {
    const captions = this.#engine?.captions() ?? [];
    const chosen = this.#captionWishes.choose(captions, this.#soundLanguage());
    this.#shownCaptions = chosen?.label;
    const wanted = JSON.stringify([captions.length, chosen?.id]);
    if (wanted === this.#appliedCaptions) return;
    this.#appliedCaptions = wanted;
    this.#engine?.showCaptions(chosen?.id);
  }

  #areCaptionsOn(captions: readonly CaptionChoice[]): boolean {
    if (this.#shownCaptions === undefined) return false;
    const next = this.#captionWishes.whenSwitchedOn(captions);
    return this.#captionWishes.chosen(captions) !== undefined || this.#shownCaptions === next?.label;
  }

  /** Empty where nobody has said. Where it is not known yet which sound is heard, it will be the first. */
  #soundLanguage(): string {
    return (this.#engine?.playingSound() ?? this.#engine?.sounds()[0])?.language ?? '';
  }

  #applyPreference(qualities: readonly Quality[]): void {
    const lines = preferredLines();
    if (lines === 'auto') return;
    // The best that is not above the wish, or else the lowest: 720p wished and only 1080p there means 1080p.
    const quality = qualities.find((each) => each.lines <= lines) ?? qualities.at(-1);
    if (quality === undefined) return;
    this.#choice = quality.id;
    this.#engine?.select(quality.id);
  }
}

const NO_ENGINE: PlaybackFailure = {
  kind: 'unsupported',
  message: 'This browser cannot play this format.',
  detail: 'neither Media Source Extensions nor native playback',
};

function formatsOf(sources: Sources): Format[] {
  // Where there is a choice at all, the libraries give it.
  const formats: Format[] = hasMediaSource() ? ['hls', 'dash', 'hlsTs'] : ['hls', 'dash'];
  return formats.filter((format) => sources[format] !== undefined);
}

function libraryMissing(events: SessionEvents): (error: unknown) => undefined {
  return (error) => {
    const message = 'A part of the player could not be loaded.';
    events.onFailure({ kind: 'network', message, detail: String(error) });
  };
}
