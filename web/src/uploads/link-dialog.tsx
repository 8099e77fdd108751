import { useRef, useState } from 'preact/hooks';
import { addFromUrl, ApiError } from '../api.ts';
import { Dialog } from '../ui/dialog.tsx';
import { announcement } from './items.ts';

/** Asks for an address and lets the server fetch the video from there. */
export function LinkDialog({ onClose }: { onClose: () => void }) {
  const input = useRef<HTMLInputElement>(null);
  const [problem, setProblem] = useState<string>();
  const [isBusy, setBusy] = useState(false);

  const submit = async () => {
    const url = input.current?.value.trim() ?? '';
    if (!/^https?:\/\/./i.test(url)) {
      setProblem('The address has to begin with http:// or https://.');
      return;
    }
    setBusy(true);
    setProblem(undefined);
    try {
      const { title } = await addFromUrl(url);
      announcement.value = `${title} is being fetched.`;
      onClose();
    } catch (error) {
      setProblem(error instanceof ApiError ? error.message : String(error));
      setBusy(false);
      input.current?.focus();
    }
  };

  return (
    <Dialog title="Add from a link" onClose={onClose} onSubmit={() => void submit()} testId="link-dialog">
      <p>The server fetches the file itself. It has to be a media file, not a page that shows one.</p>
      <label class="field">
        Address of the file
        <input
          ref={input}
          // Not of type url: what the browser would say of a wrong one disappears too soon.
          type="text"
          inputMode="url"
          autocomplete="off"
          spellcheck={false}
          placeholder="https://"
          autofocus
          aria-invalid={problem !== undefined}
          aria-describedby="link-problem"
          data-testid="link-address"
        />
      </label>
      <p class="problem" id="link-problem" role="alert" data-testid="link-problem">
        {problem}
      </p>
      <div class="dialog-buttons">
        <button class="button quiet" type="button" onClick={onClose}>
          Cancel
        </button>
        <button class="button" type="submit" disabled={isBusy} data-testid="link-add">
          {isBusy ? 'Asking the other server…' : 'Add'}
        </button>
      </div>
    </Dialog>
  );
}
