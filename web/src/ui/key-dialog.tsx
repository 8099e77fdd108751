import { useRef } from 'preact/hooks';
import { question } from '../api-key.ts';
import { Dialog } from './dialog.tsx';

/** Asks for the server's API key, whenever something wants it. */
export function KeyDialog() {
  const input = useRef<HTMLInputElement>(null);
  const answer = question.value;
  if (answer === undefined) return null;
  const submit = () => {
    const key = input.current?.value.trim();
    if (key) answer(key);
  };
  return (
    <Dialog
      title="This server asks for its key"
      onClose={() => answer(undefined)}
      onSubmit={submit}
      testId="key-dialog"
    >
      <p>Only who knows it may add, change or delete videos here. This browser will remember it.</p>
      <label class="field">
        API key
        <input ref={input} type="password" autocomplete="current-password" autofocus data-testid="key" />
      </label>
      <div class="dialog-buttons">
        <button class="button quiet" type="button" onClick={() => answer(undefined)}>
          Cancel
        </button>
        <button class="button" type="submit">
          Go on
        </button>
      </div>
    </Dialog>
  );
}
