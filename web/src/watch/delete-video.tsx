import { useState } from 'preact/hooks';
import { ApiError, deleteVideo, type Video } from '../api.ts';
import { dropVideo } from '../library/store.ts';
import { navigate } from '../router.ts';
import { Dialog } from '../ui/dialog.tsx';
import { Icon } from '../ui/icon.tsx';
import { announcement } from '../uploads/items.ts';

/** Removes the video, once the viewer has said so twice. Where its file is not ours, says where that is done. */
export function DeleteVideo({ video }: { video: Video }) {
  const [isAsking, setAsking] = useState(false);
  if (video.source.origin === 'library') {
    return (
      <p class="kept" data-testid="kept">
        This video lies in the library folder. It goes when its file does.
      </p>
    );
  }
  return (
    <>
      <button class="text-button danger" type="button" onClick={() => setAsking(true)} data-testid="delete">
        <Icon name="trash" />
        Delete
      </button>
      {isAsking && <Confirmation video={video} onClose={() => setAsking(false)} />}
    </>
  );
}

function Confirmation({ video, onClose }: { video: Video; onClose: () => void }) {
  const { id, title } = video;
  const [refusal, setRefusal] = useState<string>();
  const [isBusy, setBusy] = useState(false);
  const remove = async () => {
    setBusy(true);
    setRefusal(undefined);
    try {
      await deleteVideo(id);
      dropVideo(id);
      announcement.value = `${title} was deleted.`;
      navigate('/');
    } catch (error) {
      setRefusal(error instanceof ApiError ? error.message : String(error));
      setBusy(false);
    }
  };
  return (
    <Dialog
      title="Delete this video?"
      onClose={onClose}
      onSubmit={() => void remove()}
      testId="delete-dialog"
    >
      <p>
        <b dir="auto">{title}</b> and everything that was encoded of it will be removed. This cannot be
        undone.
      </p>
      <p class="problem" role="alert" data-testid="delete-refusal">
        {refusal}
      </p>
      <div class="dialog-buttons">
        <button class="button quiet" type="button" autofocus onClick={onClose}>
          Keep it
        </button>
        <button class="button danger" type="submit" disabled={isBusy} data-testid="delete-confirm">
          {isBusy ? 'Deleting…' : 'Delete'}
        </button>
      </div>
    </Dialog>
  );
}
