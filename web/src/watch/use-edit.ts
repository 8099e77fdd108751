import { useState } from 'preact/hooks';
import { ApiError, editVideo, type Video, type VideoEdit } from '../api.ts';
import { replaceVideo } from '../library/store.ts';

/** A field of a video that is shown, and on demand edited in its place. */
export function useEdit(id: string, onSaved: (video: Video) => void) {
  const [isEditing, setEditing] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string>();

  const close = () => {
    setEditing(false);
    setProblem(undefined);
  };
  const save = async (edit: VideoEdit) => {
    setBusy(true);
    setProblem(undefined);
    try {
      const video = await editVideo(id, edit);
      // The library is shown from memory when one goes back to it.
      replaceVideo(video);
      onSaved(video);
      close();
    } catch (error) {
      setProblem(error instanceof ApiError ? error.message : String(error));
    }
    setBusy(false);
  };
  return { isEditing, isBusy, problem, open: () => setEditing(true), close, save };
}
