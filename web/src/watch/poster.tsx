import { useState } from 'preact/hooks';
import { ApiError, choosePoster, isAudioOnly, resetPoster, type Video } from '../api.ts';
import { Picture } from '../library/picture.tsx';
import { replaceVideo } from '../library/store.ts';
import { Icon } from '../ui/icon.tsx';
import { shownSeconds } from '../ui/player.tsx';
import { announcement } from '../uploads/items.ts';
import { chooseFiles } from '../uploads/choose-files.ts';

const PICTURES = 'image/jpeg,image/png,image/webp';

type PosterProps = { video: Video; onSaved: (video: Video) => void };

/** The picture that stands for the video, and the ways to choose another. */
export function Poster({ video, onSaved }: PosterProps) {
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string>();
  if (video.tracks.length === 0) return null;

  const change = async (work: () => Promise<Video | undefined>) => {
    setBusy(true);
    setProblem(undefined);
    try {
      const changed = await work();
      if (changed !== undefined) {
        // The library is shown from memory when one goes back to it.
        replaceVideo(changed);
        onSaved(changed);
        announcement.value = 'The poster was changed.';
      }
    } catch (error) {
      setProblem(error instanceof ApiError ? error.message : String(error));
    }
    setBusy(false);
  };
  const takeFrame = () => change(async () => choosePoster(video.id, shownSeconds() ?? 0));
  const upload = async () => {
    const [file] = await chooseFiles({ several: false, accept: PICTURES });
    if (file !== undefined) await change(() => choosePoster(video.id, file));
  };

  return (
    <section class="panel poster-choice" aria-labelledby="poster-title" data-testid="poster-choice">
      <h2 id="poster-title">Poster</h2>
      <div class="picture" aria-busy={isBusy}>
        <Picture video={video} />
      </div>
      {problem !== undefined && (
        <p class="problem" role="alert" data-testid="poster-problem">
          {problem}
        </p>
      )}
      <div class="poster-buttons">
        {!isAudioOnly(video) && (
          <button
            type="button"
            disabled={isBusy}
            aria-label="Use this frame as the poster"
            title="What the player shows now"
            onClick={takeFrame}
            data-testid="poster-frame"
          >
            <Icon name="camera" />
            Use this frame
          </button>
        )}
        <button type="button" disabled={isBusy} onClick={upload} data-testid="poster-upload">
          <Icon name="upload" />
          Upload a picture
        </button>
        {isChosen(video) && (
          <button
            type="button"
            disabled={isBusy}
            onClick={() => change(() => resetPoster(video.id))}
            data-testid="poster-reset"
          >
            <Icon name="retry" />
            Choose for me
          </button>
        )}
      </div>
    </section>
  );
}

/** Every choice has an address of its own. */
function isChosen({ playback }: Video): boolean {
  return playback.poster?.includes('?') ?? false;
}
