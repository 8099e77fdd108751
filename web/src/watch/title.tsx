import { useRef } from 'preact/hooks';
import type { Video } from '../api.ts';
import { Icon } from '../ui/icon.tsx';
import { EditForm, focusField, useFocusBack } from './edit-form.tsx';
import { useEdit } from './use-edit.ts';

type TitleProps = { video: Video; onSaved: (video: Video) => void };

/** The title, to be edited where it stands. */
export function Title({ video, onSaved }: TitleProps) {
  const { isEditing, isBusy, problem, open, close, save } = useEdit(video.id, onSaved);
  const opener = useFocusBack(isEditing);
  const field = useRef<HTMLInputElement | null>(null);
  const submit = () => {
    const title = field.current?.value.trim() ?? '';
    if (title === '' || title === video.title) close();
    else void save({ title });
  };

  if (isEditing) {
    return (
      <EditForm problem={problem} isBusy={isBusy} onSave={submit} onCancel={close}>
        <input
          class="title-field"
          aria-label="Title"
          dir="auto"
          maxLength={500}
          defaultValue={video.title}
          ref={(element) => {
            // Once, when it appears: each later rendering would select what is being typed.
            if (element !== null && field.current === null) focusField(element);
            field.current = element;
          }}
          data-testid="title-field"
        />
      </EditForm>
    );
  }
  return (
    <div class="title-line">
      <h1 dir="auto" data-testid="title">
        {video.title}
      </h1>
      <button
        ref={opener}
        class="icon-button"
        type="button"
        aria-label="Rename"
        title="Rename"
        onClick={open}
        data-testid="rename"
      >
        <Icon name="pencil" />
      </button>
    </div>
  );
}
