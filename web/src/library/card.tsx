import { isAudioOnly, type Video } from '../api.ts';
import { agoText, durationText, resolutionText, sentence, spokenDuration } from '../text.ts';
import { Picture } from './picture.tsx';

/** One video of the grid: the whole card is the link. */
export function VideoCard({ video }: { video: Video }) {
  const { id, title, status, durationSeconds, createdAt } = video;
  const isFailed = status === 'failed';
  return (
    <li class="card" data-testid="card" data-status={status} data-id={id}>
      <a href={`/watch/${id}`} aria-label={cardLabel(video)}>
        <div class="picture">
          <Picture video={video} />
          {durationSeconds !== undefined && !isFailed && (
            <span class="duration" data-testid="duration">
              {durationText(durationSeconds)}
            </span>
          )}
          {isBusy(video) && (
            <span class="state">
              <i class="pulse" />
              {status === 'uploading' ? 'Uploading' : 'Inspecting'}
            </span>
          )}
          {isFailed && <span class="state failed">Failed</span>}
        </div>
        <h2 class="title">{title}</h2>
        {isFailed ? (
          <p class="reason" data-testid="reason">
            {sentence(video.error?.message ?? 'this video cannot be played')}
          </p>
        ) : (
          <p class="meta">
            {badges(video).map((badge) => (
              <span class="badge" key={badge}>
                {badge}
              </span>
            ))}
            <time dateTime={createdAt}>{agoText(new Date(createdAt), new Date())}</time>
          </p>
        )}
      </a>
    </li>
  );
}

function isBusy({ status }: Video): boolean {
  return status === 'inspecting' || status === 'uploading';
}

/** What sets a video apart: its size, and where it is less than the usual both formats. */
function badges(video: Video): string[] {
  const { width, height, frameRate, playback } = video;
  const all: string[] = [];
  if (isAudioOnly(video)) all.push('Audio');
  if (width !== undefined && height !== undefined) all.push(resolutionText(width, height));
  if (frameRate !== undefined && frameRate > 47) all.push(`${Math.round(frameRate)} fps`);
  if (playback.hls !== undefined && playback.dash === undefined) all.push('HLS');
  if (playback.dash !== undefined && playback.hls === undefined) all.push('DASH');
  return all;
}

function cardLabel({ title, status, durationSeconds }: Video): string {
  if (status === 'failed') return `${title}, failed`;
  return durationSeconds === undefined ? title : `${title}, ${spokenDuration(durationSeconds)}`;
}
