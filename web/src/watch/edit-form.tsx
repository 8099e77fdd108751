import type { ComponentChildren, RefObject } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

type EditFormProps = {
  problem: string | undefined;
  isBusy: boolean;
  onSave: () => void;
  onCancel: () => void;
  children: ComponentChildren;
};

/** A field with its two buttons. Escape leaves everything as it was. */
export function EditForm({ problem, isBusy, onSave, onCancel, children }: EditFormProps) {
  return (
    <form
      class="edit-form field"
      onSubmit={(event) => {
        event.preventDefault();
        onSave();
      }}
      onKeyDown={(event) => event.key === 'Escape' && onCancel()}
    >
      {children}
      {problem !== undefined && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
      <div class="edit-buttons">
        <button class="button" type="submit" disabled={isBusy} data-testid="save">
          Save
        </button>
        <button class="button quiet" type="button" onClick={onCancel}>
          Cancel
        </button>
      </div>
    </form>
  );
}

/** For the button that opens a form: it gets the focus back once the form is gone. */
export function useFocusBack(isEditing: boolean): RefObject<HTMLButtonElement | null> {
  const button = useRef<HTMLButtonElement>(null);
  const wasEditing = useRef(false);
  useEffect(() => {
    if (wasEditing.current && !isEditing) button.current?.focus();
    wasEditing.current = isEditing;
  }, [isEditing]);
  return button;
}

/** Puts the cursor into a field as soon as it is there; for `ref`. */
export function focusField(field: HTMLInputElement | HTMLTextAreaElement | null): void {
  field?.focus();
  field?.select();
}
