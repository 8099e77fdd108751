/** What lies over the picture: the failure, the help, a word about a key that was pressed. */
import { SHORTCUTS } from './keyboard.ts';

export type Overlays = ReturnType<typeof createOverlays>;

/** Wires the overlays inside `root`; `onRetry` is what the failure's button does. */
export function createOverlays(root: ShadowRoot, onRetry: () => void) {
  const failure = find(root, '#failure');
  const text = find(root, '#failure-text');
  const toast = find(root, '#toast');
  const help = find(root, '#help') as HTMLDialogElement;
  find(root, '#retry').addEventListener('click', onRetry);
  find(root, '#help-list').append(...SHORTCUTS.flatMap(helpRow));
  find(root, '#help-button').addEventListener('click', () => toggleHelp(help));
  // A click beside the box: only then is the dialog itself the target.
  help.addEventListener('click', (event) => event.target === help && help.close());
  help.addEventListener('keydown', (event) => event.key === '?' && help.close());

  return {
    showFailure(message: string) {
      text.textContent = message;
      failure.hidden = false;
    },
    hideFailure() {
      failure.hidden = true;
    },
    /** Shows a word for a moment. */
    toast(message: string) {
      toast.textContent = message;
      for (const animation of toast.getAnimations()) animation.cancel();
      toast.animate({ opacity: [1, 1, 0] }, { duration: 900, easing: 'ease-out' });
    },
    toggleFullscreen() {
      const controller = find(root, 'media-controller');
      const request = root.host.matches(':fullscreen') ? 'exit' : 'enter';
      controller.dispatchEvent(new CustomEvent(`media${request}fullscreenrequest`));
    },
    toggleHelp: () => toggleHelp(help),
  };
}

function toggleHelp(help: HTMLDialogElement): void {
  if (help.open) help.close();
  else help.showModal();
}

function helpRow({ shown, text }: (typeof SHORTCUTS)[number]): HTMLElement[] {
  const keys = document.createElement('dt');
  keys.append(
    ...shown.map((key) => {
      const cap = document.createElement('kbd');
      cap.textContent = key;
      return cap;
    }),
  );
  const meaning = document.createElement('dd');
  meaning.textContent = text;
  return [keys, meaning];
}

function find(root: ShadowRoot, selector: string): HTMLElement {
  const element = root.querySelector<HTMLElement>(selector);
  if (element === null) throw new Error(`the player has no ${selector}`);
  return element;
}
