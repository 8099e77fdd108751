import { isAudioOnly, type Video } from '../api.ts';
import { cameByClick } from '../router.ts';
import { agoText } from '../text.ts';
import { Icon } from '../ui/icon.tsx';
import { Player } from '../ui/player.tsx';
import { useTitle } from '../ui/use-title.ts';
import { Facts } from './facts.tsx';
import { Share } from './share.tsx';
import { Stage } from './stage.tsx';
import { useVideo } from './use-video.ts';

/** One video, large, and what there is to know of it. */
export function WatchPage({ id }: { id: string }) {
  const { video, failure, retry } = useVideo(id);
  const isMissing = video === undefined && failure?.isMissing === true;
  useTitle(isMissing ? 'Not found' : video?.title);

  return (
    <article class="watch">
      <div class="frame" style={{ '--ratio': ratioOf(video) }}>
        <Stage video={video} failure={failure} onRetry={retry}>
          {(playable) => (
            <Player
              video={playable}
              autoplay={cameByClick.value}
              start={new URLSearchParams(location.search).get('start') ?? undefined}
              isResumed
            />
          )}
        </Stage>
      </div>
      <div class="below">
        <div class="about">
          <a class="back" href="/" data-testid="back">
            <Icon name="back" />
            Library
          </a>
          <h1 data-testid="title">{video?.title ?? (isMissing ? 'Not found' : '\u00a0')}</h1>
          {video !== undefined && (
            <p class="added">
              Added <time dateTime={video.createdAt}>{agoText(new Date(video.createdAt), new Date())}</time>
            </p>
          )}
          {video?.description && <p class="description">{video.description}</p>}
          {video !== undefined && <Facts video={video} />}
        </div>
        {video !== undefined && video.status !== 'failed' && <Share video={video} />}
      </div>
    </article>
  );
}

/** The shape of the player, so that nothing moves when the picture arrives. Unknown is 16:9. */
function ratioOf(video: Video | undefined): number {
  if (video === undefined) return 16 / 9;
  if (isAudioOnly(video)) return 5 / 2;
  const { width, height } = video;
  return width !== undefined && height !== undefined && height > 0 ? width / height : 16 / 9;
}
