import { isAudioOnly, type Video } from '../api.ts';
import { agoText, durationText, percentText, resolutionText, sentence, spokenDuration } from '../text.ts';
import { uploadOfVideo } from '../uploads/items.ts';
import { Picture } from './picture.tsx';
import { arrived } from './store.ts';

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
            <span class="state" data-testid="state">
              <i class={isStill(video) ? 'dot' : 'pulse'} />
              {busyText(video)}
            </span>
          )}
          <Progress fraction={progressOf(video)} />
          {isFailed && <span class="state failed">Failed</span>}
        </div>
        <h2 class="title" dir="auto">
          {title}
        </h2>
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
            {isEncoding(video) && (
              <span class="encoded" data-testid="encoded">
                {percentText(video.encodedFraction)} encoded
              </span>
            )}
          </p>
        )}
      </a>
    </li>
  );
}

/** A thin line below the picture: how far the upload or the encoding is. */
function Progress({ fraction }: { fraction: number | undefined }) {
  if (fraction === undefined) return null;
  return (
    <span class="card-progress" aria-hidden="true">
      <i style={{ scale: `${fraction} 1` }} />
    </span>
  );
}

function isBusy({ status }: Video): boolean {
  return status === 'inspecting' || status === 'uploading';
}

/** Whether nothing goes on with its upload until the viewer does something. */
function isStill({ id }: Video): boolean {
  const state = uploadOfVideo.value.get(id)?.state;
  return state === 'paused' || state === 'left' || state === 'failed';
}

/** A library video of which nothing was watched yet is not on its way to anything: nothing is said of it. */
function isEncoding({ status, encodedFraction }: Video): boolean {
  return status === 'playable' && encodedFraction > 0;
}

function busyText(video: Video): string {
  if (video.status === 'inspecting') return 'Inspecting';
  const word = isStill(video) ? 'Paused' : 'Uploading';
  const fraction = uploadedFraction(video);
  return fraction === undefined ? word : `${word} ${percentText(fraction)}`;
}

function progressOf(video: Video): number | undefined {
  if (video.status === 'uploading') return uploadedFraction(video);
  return isEncoding(video) ? video.encodedFraction : undefined;
}

/** As this page knows it where it is what uploads, else as the server tells it. */
function uploadedFraction({ id }: Video): number | undefined {
  const own = uploadOfVideo.value.get(id);
  if (own !== undefined) return own.bytes === 0 ? undefined : own.sentBytes / own.bytes;
  const { receivedBytes = 0, totalBytes = 0 } = arrived.value.get(id) ?? {};
  return totalBytes > 0 ? receivedBytes / totalBytes : undefined;
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
