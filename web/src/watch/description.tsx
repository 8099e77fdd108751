import { useRef } from 'preact/hooks';
import type { Video } from '../api.ts';
import { EditForm, focusField, useFocusBack } from './edit-form.tsx';
import { useEdit } from './use-edit.ts';

type DescriptionProps = { video: Video; onSaved: (video: Video) => void };

/** The description, to be edited where it stands, or an offer to write one. */
export function Description({ video, onSaved }: DescriptionProps) {
  const { isEditing, isBusy, problem, open, close, save } = useEdit(video.id, onSaved);
  const opener = useFocusBack(isEditing);
  const field = useRef<HTMLTextAreaElement | null>(null);
  const submit = () => {
    const description = field.current?.value.trim() ?? '';
    if (description === video.description) close();
    else void save({ description });
  };

  if (isEditing) {
    return (
      <EditForm problem={problem} isBusy={isBusy} onSave={submit} onCancel={close}>
        <textarea
          aria-label="Description"
          dir="auto"
          rows={5}
          maxLength={10_000}
          defaultValue={video.description}
          ref={(element) => {
            if (element !== null && field.current === null) focusField(element);
            field.current = element;
          }}
          onKeyDown={(event) => event.key === 'Enter' && (event.ctrlKey || event.metaKey) && submit()}
          data-testid="description-field"
        />
      </EditForm>
    );
  }
  return (
    <>
      {video.description !== '' && (
        <p class="description" dir="auto" data-testid="description">
          {video.description}
        </p>
      )}
      <button ref={opener} class="text-button" type="button" onClick={open} data-testid="describe">
        {video.description === '' ? 'Add a description' : 'Edit the description'}
      </button>
    </>
  );
}
