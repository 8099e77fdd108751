/**
 * `<sluice-player src-hls src-dash src-hls-ts poster>`: the player, usable on any page.
 *
 * Attributes:
 * - `src-hls`, `src-dash`, `src-hls-ts`: addresses of the manifests; any may be absent.
 * - `storyboard`: WebVTT with small pictures for the time line.
 * - `poster`: a picture until it plays. `video-title`: for the system's media controls.
 * - `duration`: seconds, shown before anything is loaded.
 * - `audio`: there is no picture; show a stage instead.
 * - `encoded`: every segment is stored, so playback may begin in a high quality.
 * - `autoplay`, `muted`, `start` (seconds): as they are when the source is set.
 * - `preload="none"`: load nothing until the viewer plays.
 * - `version`: another one loads the manifests anew, and goes on from where it is.
 * - `format`: the one to begin with (`hls`, `dash`, `hlsTs`), unless the viewer has chosen another.
 * - `engine="native"`: let the browser play HLS itself.
 * - `hotkeys="page"`: take keys from the whole page, not only while the player has the focus.
 * - `resume`: a name under which to remember where the viewer stopped.
 *
 * Media events (`play`, `playing`, `timeupdate`, `ended`...) are dispatched on the element too. `change` of the
 * quality or format is a `sluicestate` event, and a failure a `sluicefailure` event.
 */
import 'media-chrome/dist/media-chrome-button.js';
import 'media-chrome/dist/media-control-bar.js';
import 'media-chrome/dist/media-controller.js';
import 'media-chrome/dist/media-fullscreen-button.js';
import 'media-chrome/dist/media-mute-button.js';
import 'media-chrome/dist/media-pip-button.js';
import 'media-chrome/dist/media-play-button.js';
import 'media-chrome/dist/media-time-display.js';
import 'media-chrome/dist/media-time-range.js';
import 'media-chrome/dist/media-volume-range.js';
import 'media-chrome/dist/menu/media-chrome-menu-item.js';
import 'media-chrome/dist/menu/media-settings-menu-button.js';
import 'media-chrome/dist/menu/media-settings-menu-item.js';
import 'media-chrome/dist/menu/media-settings-menu.js';
import type MediaController from 'media-chrome/dist/media-controller.js';
import type { PlaybackFailure } from './engines/engine.ts';
import { createControls } from './controls.ts';
import { listenForKeys } from './keyboard.ts';
import { qualityText, setUpMenus } from './menus.ts';
import { createOverlays } from './overlays.ts';
import styles from './player.css?inline';
import { markPlacedCues } from './placed-cues.ts';
import { positionOf, rememberPosition } from './preferences.ts';
import { Session, type SessionState } from './session.ts';
import { offerStoryboard } from './storyboard.ts';
import { TEMPLATE } from './template.ts';

const MEDIA_EVENTS = [
  'canplay',
  'durationchange',
  'ended',
  'error',
  'loadeddata',
  'loadedmetadata',
  'pause',
  'play',
  'playing',
  'ratechange',
  'seeked',
  'seeking',
  'timeupdate',
  'volumechange',
  'waiting',
];

/** What is remembered of a video shorter than this, or left so near to one of its ends, is of no use. */
const RESUME_MARGIN_SECONDS = 10;
const RESUME_EVERY_SECONDS = 5;

/** What tests and curious people may look at. */
export type PlayerDebug = SessionState & {
  /** As the menu shows it: `Auto · 480p`. */
  readonly qualityText: string;
  readonly failure?: PlaybackFailure;
};

export class SluicePlayer extends HTMLElement {
  static readonly observedAttributes = [
    'src-hls',
    'src-dash',
    'src-hls-ts',
    'poster',
    'storyboard',
    'duration',
    'muted',
    'video-title',
    'encoded',
    'version',
  ];

  /** The media element that plays. */
  readonly media: HTMLVideoElement;
  readonly #root: ShadowRoot;
  readonly #controller: MediaController;
  readonly #session: Session;
  readonly #overlays: ReturnType<typeof createOverlays>;
  readonly #showMenus: ReturnType<typeof setUpMenus>;
  #failure: PlaybackFailure | undefined;
  #connection: AbortController | undefined;
  #isLoadQueued = false;
  #savedSeconds = 0;

  constructor() {
    super();
    this.#root = this.attachShadow({ mode: 'open' });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(styles);
    this.#root.adoptedStyleSheets = [sheet];
    this.#root.append(this.#createContent());
    this.media = this.#find('video');
    this.#controller = this.#find('media-controller');
    this.#controller.fullscreenElement = this;
    this.#session = new Session(this.media, {
      onChange: () => this.#onState(),
      onFailure: (failure) => this.#onFailure(failure),
      onPlayRefused: () => this.removeAttribute('starting'),
    });
    this.#overlays = createOverlays(this.#root, () => this.retry());
    this.#showMenus = setUpMenus(this.#root, {
      setQuality: (choice) => this.#session.setQuality(choice),
      setSound: (id) => this.#session.setSound(id),
      setFormat: (format) => {
        this.#clearFailure();
        void this.#session.setFormat(format);
      },
      setCaptions: (label) => this.#session.setCaptions(label),
      setRate: (rate) => {
        this.media.playbackRate = rate;
      },
    });
    this.#find('#captions-button').addEventListener('click', () => this.#toggleCaptions());
    markPlacedCues(this, this.media);
    this.#listenToMedia();
  }

  /** Format, engine, qualities, sounds, what plays. A snapshot. */
  get debug(): PlayerDebug {
    const state = this.#session.state;
    const failure = this.#failure;
    return { ...state, qualityText: qualityText(state), ...(failure === undefined ? {} : { failure }) };
  }

  /** Plays, loading first where nothing was loaded yet. Rejects as `HTMLMediaElement.play` does. */
  async play(): Promise<void> {
    this.#session.wish({ isToPlay: true });
    if (!this.#session.isLoaded) return this.#load(true);
    await this.media.play();
  }

  pause(): void {
    this.#session.wish({ isToPlay: false });
    this.media.pause();
  }

  /** Goes on after a failure, from where it stopped. */
  retry(): void {
    this.#clearFailure();
    this.setAttribute('starting', '');
    void this.#session.retry();
  }

  connectedCallback(): void {
    this.#connection = new AbortController();
    const { signal } = this.#connection;
    const keys = this.getAttribute('hotkeys') === 'page' ? document : this;
    const controls = createControls(this.media, this.#controller, this.#overlays);
    listenForKeys(
      keys,
      {
        ...controls,
        togglePlay: () => this.#togglePlay(),
        toggleCaptions: () => this.#toggleCaptions(),
      },
      signal,
    );
    const onOnline = () => this.#failure?.kind === 'network' && this.retry();
    addEventListener('online', onOnline, { signal });
    addEventListener('pagehide', () => this.#savePosition(), { signal });
    this.#queueLoad();
  }

  disconnectedCallback(): void {
    this.#savePosition();
    this.#connection?.abort();
    this.#connection = undefined;
    void this.#session.destroy();
  }

  attributeChangedCallback(name: string, before: string | null, after: string | null): void {
    if (before === after) return;
    if (name === 'muted') this.media.muted = after !== null;
    else if (name === 'poster') this.#showPoster(after);
    else if (name === 'storyboard') offerStoryboard(this.media, this.#find('#seek'), after);
    else if (name === 'duration') this.#showDuration(after);
    else if (name === 'video-title') this.#nameSession(after);
    else if (name === 'version') void this.#session.reload();
    else if (name.startsWith('src-')) this.#queueLoad();
  }

  #createContent(): DocumentFragment {
    const template = document.createElement('template');
    template.innerHTML = TEMPLATE;
    const content = document.importNode(template.content, true);
    // media-chrome reads this once, as it is put into the page: for an upgraded element that is now.
    const duration = this.getAttribute('duration');
    if (duration !== null)
      content.querySelector('media-controller')?.setAttribute('defaultduration', duration);
    return content;
  }

  #find<T extends Element>(selector: string): T {
    const element = this.#root.querySelector<T>(selector);
    if (element === null) throw new Error(`the player has no ${selector}`);
    return element;
  }

  /** Both addresses often change at once; they are one load. */
  #queueLoad(): void {
    if (this.#isLoadQueued || !this.isConnected) return;
    this.#isLoadQueued = true;
    queueMicrotask(() => {
      this.#isLoadQueued = false;
      if (this.isConnected && this.getAttribute('preload') !== 'none') {
        void this.#load(this.hasAttribute('autoplay'));
      }
    });
  }

  async #load(play: boolean): Promise<void> {
    const hls = this.getAttribute('src-hls') ?? undefined;
    const dash = this.getAttribute('src-dash') ?? undefined;
    const hlsTs = this.getAttribute('src-hls-ts') ?? undefined;
    if (hls === undefined && dash === undefined && hlsTs === undefined) return;
    this.#clearFailure();
    this.toggleAttribute('starting', play);
    this.#session.engineWish = this.getAttribute('engine') === 'native' ? 'native' : undefined;
    const resume = this.getAttribute('resume');
    const start = Number(this.getAttribute('start') ?? 0) || (resume === null ? 0 : positionOf(resume));
    const isFullyEncoded = this.hasAttribute('encoded');
    const format = this.getAttribute('format') ?? undefined;
    await this.#session.load({ hls, dash, hlsTs }, { startSeconds: start, isFullyEncoded, play, format });
  }

  #toggleCaptions(): void {
    if (this.#session.state.captions.length === 0) return this.#overlays.toast('No captions');
    this.#overlays.toast(this.#session.toggleCaptions() ?? 'Captions off');
  }

  #togglePlay(): void {
    if (this.media.paused) void this.play().catch(() => undefined);
    else this.pause();
  }

  #listenToMedia(): void {
    for (const type of MEDIA_EVENTS) {
      // Media events do not bubble, and the host is what a page listens to.
      this.media.addEventListener(type, () => this.dispatchEvent(new Event(type)));
    }
    this.media.addEventListener('play', () => this.#onPlay());
    this.media.addEventListener('playing', () => this.removeAttribute('starting'));
    this.media.addEventListener('ratechange', () => this.#onState());
    this.media.addEventListener('loadedmetadata', () => this.#onMetadata());
    this.media.addEventListener('timeupdate', () => this.#savePositionSometimes());
    for (const type of ['pause', 'ended']) this.media.addEventListener(type, () => this.#savePosition());
    for (const type of ['play', 'playing', 'waiting', 'seeking', 'seeked', 'canplay', 'pause', 'emptied']) {
      this.media.addEventListener(type, () => this.#showBusy());
    }
    for (const isToPlay of [true, false]) {
      const request = isToPlay ? 'mediaplayrequest' : 'mediapauserequest';
      this.#controller.addEventListener(request, () => this.#session.wish({ isToPlay }));
    }
    this.#controller.addEventListener('dblclick', (event) => {
      const target = event.composedPath()[0];
      if (target === this.media || target === this.#controller) this.#overlays.toggleFullscreen();
    });
  }

  #onPlay(): void {
    // With preload="none" the first press of any play button arrives here, and nothing is loaded yet.
    if (!this.#session.isLoaded && !this.#isStarting()) void this.#load(true);
  }

  #isStarting(): boolean {
    return this.hasAttribute('starting');
  }

  #onMetadata(): void {
    if (!this.hasAttribute('audio')) this.toggleAttribute('no-picture', this.media.videoWidth === 0);
    this.#onState();
  }

  #onState(): void {
    this.#showMenus(this.#session.state, this.media.playbackRate);
    this.#showCaptionsButton();
    this.dispatchEvent(new CustomEvent('sluicestate', { detail: this.debug }));
  }

  #showCaptionsButton(): void {
    const { captions, areCaptionsOn } = this.#session.state;
    const button = this.#find<HTMLElement>('#captions-button');
    button.hidden = captions.length === 0;
    button.ariaPressed = String(areCaptionsOn);
  }

  #onFailure(failure: PlaybackFailure): void {
    this.#failure = failure;
    this.removeAttribute('starting');
    this.pause();
    console.warn(`sluice-player: ${failure.detail}`);
    this.setAttribute('failed', '');
    this.#overlays.showFailure(failure.message);
    this.dispatchEvent(new CustomEvent('sluicefailure', { detail: failure }));
  }

  #clearFailure(): void {
    this.#failure = undefined;
    this.removeAttribute('failed');
    this.#overlays.hideFailure();
  }

  #showBusy(): void {
    const { paused, ended, seeking, readyState } = this.media;
    const isStalled = readyState < HTMLMediaElement.HAVE_FUTURE_DATA && !ended;
    this.toggleAttribute('busy', isStalled && (!paused || seeking));
  }

  #showPoster(address: string | null): void {
    const slot = this.#find('#poster');
    slot.replaceChildren();
    if (address === null) return;
    const image = new Image();
    image.alt = '';
    image.decoding = 'async';
    image.src = address;
    image.addEventListener('error', () => image.remove());
    slot.append(image);
  }

  #showDuration(seconds: string | null): void {
    if (seconds === null) this.#controller.removeAttribute('defaultduration');
    else this.#controller.setAttribute('defaultduration', seconds);
  }

  #nameSession(title: string | null): void {
    if (!('mediaSession' in navigator) || title === null) return;
    const poster = this.getAttribute('poster');
    const artwork = poster === null ? [] : [{ src: new URL(poster, location.href).href }];
    navigator.mediaSession.metadata = new MediaMetadata({ title, artwork });
  }

  #savePositionSometimes(): void {
    if (Math.abs(this.media.currentTime - this.#savedSeconds) > RESUME_EVERY_SECONDS) this.#savePosition();
  }

  #savePosition(): void {
    const key = this.getAttribute('resume');
    const { currentTime, duration, readyState } = this.media;
    if (key === null || readyState === HTMLMediaElement.HAVE_NOTHING) return;
    this.#savedSeconds = currentTime;
    const isWorthIt = currentTime > RESUME_MARGIN_SECONDS && currentTime < duration - RESUME_MARGIN_SECONDS;
    rememberPosition(key, isWorthIt ? currentTime : 0);
  }
}

customElements.define('sluice-player', SluicePlayer);
