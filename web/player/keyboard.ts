/** The keyboard of the player, and the list that the help shows: one table, so that they cannot differ. */

/** What keys can do to a player. */
export type KeyTarget = {
  togglePlay(): void;
  seekBy(seconds: number): void;
  seekToFraction(fraction: number): void;
  changeVolume(by: number): void;
  toggleMute(): void;
  toggleCaptions(): void;
  changeRate(by: number): void;
  toggleFullscreen(): void;
  toggleHelp(): void;
};

type Shortcut = {
  /** Values of KeyboardEvent.key. */
  readonly keys: readonly string[];
  /** How the keys are shown. */
  readonly shown: readonly string[];
  readonly text: string;
  readonly run: (player: KeyTarget, key: string) => void;
};

/** Every shortcut, in the order of the help. */
export const SHORTCUTS: readonly Shortcut[] = [
  { keys: [' ', 'k'], shown: ['Space', 'k'], text: 'Play or pause', run: (player) => player.togglePlay() },
  { keys: ['ArrowLeft'], shown: ['←'], text: 'Back 5 seconds', run: (player) => player.seekBy(-5) },
  { keys: ['ArrowRight'], shown: ['→'], text: 'Forward 5 seconds', run: (player) => player.seekBy(5) },
  { keys: ['j'], shown: ['j'], text: 'Back 10 seconds', run: (player) => player.seekBy(-10) },
  { keys: ['l'], shown: ['l'], text: 'Forward 10 seconds', run: (player) => player.seekBy(10) },
  {
    keys: [...'0123456789'],
    shown: ['0', '…', '9'],
    text: 'Go to 0 % … 90 %',
    run: (player, key) => player.seekToFraction(Number(key) / 10),
  },
  { keys: ['ArrowUp'], shown: ['↑'], text: 'Louder', run: (player) => player.changeVolume(0.05) },
  { keys: ['ArrowDown'], shown: ['↓'], text: 'Quieter', run: (player) => player.changeVolume(-0.05) },
  { keys: ['m'], shown: ['m'], text: 'Mute', run: (player) => player.toggleMute() },
  { keys: ['c'], shown: ['c'], text: 'Captions', run: (player) => player.toggleCaptions() },
  { keys: ['<'], shown: ['<'], text: 'Slower', run: (player) => player.changeRate(-0.25) },
  { keys: ['>'], shown: ['>'], text: 'Faster', run: (player) => player.changeRate(0.25) },
  { keys: ['f'], shown: ['f'], text: 'Full screen', run: (player) => player.toggleFullscreen() },
  { keys: ['?'], shown: ['?'], text: 'Show this help', run: (player) => player.toggleHelp() },
];

/**
 * Handles keys that arrive at `source`, until `signal` fires. In the capturing phase, because a focused seek
 * bar would otherwise take the arrows first and jump by a twentieth of the video.
 */
export function listenForKeys(source: EventTarget, player: KeyTarget, signal: AbortSignal): void {
  const onKey = (event: Event) => {
    const { key, ctrlKey, altKey, metaKey } = event as KeyboardEvent;
    if (ctrlKey || altKey || metaKey || event.defaultPrevented) return;
    const shortcut = SHORTCUTS.find(({ keys }) => keys.includes(key.length === 1 ? key.toLowerCase() : key));
    if (shortcut === undefined || isWantedElsewhere(event.composedPath(), key)) return;
    event.preventDefault();
    event.stopPropagation();
    shortcut.run(player, key);
  };
  source.addEventListener('keydown', onKey, { capture: true, signal });
}

const TYPING = 'input:not([type=range]), textarea, select, [contenteditable]';
const PRESSED_BY_SPACE = 'button, a, summary, [role=button]';

function isWantedElsewhere(path: readonly EventTarget[], key: string): boolean {
  const focused = path.filter((node): node is Element => node instanceof Element);
  const has = (selector: string) => focused.some((element) => element.matches(selector));
  // A menu that has just been closed keeps the focus until it has faded.
  const isInMenu = has('[role=menu]') && !has('[role=menu][hidden]');
  if (has(TYPING) || isInMenu || has('dialog')) return true;
  if (key === ' ') return has(PRESSED_BY_SPACE);
  return key.startsWith('Arrow') && has('media-volume-range');
}
