import type { ComponentChildren } from 'preact';
import type { Video } from '../api.ts';
import type { Arrival } from '../library/store.ts';
import { percentText, sentence } from '../text.ts';
import { Icon } from '../ui/icon.tsx';
import type { VideoFailure } from './use-video.ts';

type StageProps = {
  video: Video | undefined;
  failure: VideoFailure | undefined;
  arrival?: Arrival | undefined;
  onRetry: () => void;
  children: (playable: Video) => ComponentChildren;
};

/** Where the player stands, and what stands there while it cannot. */
export function Stage({ video, failure, arrival, onRetry, children }: StageProps) {
  // A video that is known plays on, even if the last news of it could not be fetched.
  if (video === undefined) {
    if (failure === undefined) return <div class="stage" aria-busy="true" aria-label="Loading" />;
    return (
      <Message title={failure.isMissing ? 'There is no such video' : 'The video cannot be shown'}>
        <p>{failure.isMissing ? 'It may have been deleted.' : failure.message}</p>
        {!failure.isMissing && (
          <button class="button" type="button" onClick={onRetry} data-testid="retry">
            Try again
          </button>
        )}
      </Message>
    );
  }
  if (video.status === 'failed') {
    return (
      <Message title="This video cannot be played">
        <p data-testid="reason">{sentence(video.error?.message ?? 'no reason is known')}</p>
      </Message>
    );
  }
  if (video.playback.hls === undefined && video.playback.dash === undefined) {
    return (
      <div class="stage" role="status" data-testid="waiting">
        <i class="pulse" />
        <p>{video.status === 'uploading' ? uploadText(arrival) : 'Inspecting the video…'}</p>
      </div>
    );
  }
  return <>{children(video)}</>;
}

function uploadText({ receivedBytes, totalBytes = 0 }: Arrival = { receivedBytes: 0 }): string {
  return totalBytes > 0
    ? `The upload is under way: ${percentText(receivedBytes / totalBytes)}`
    : 'The upload is under way…';
}

function Message({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <div class="stage" role="alert" data-testid="stage-error">
      <Icon name="alert" />
      <h2>{title}</h2>
      {children}
    </div>
  );
}
