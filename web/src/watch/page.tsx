import { useState } from 'preact/hooks';
import { isAudioOnly, type Video } from '../api.ts';
import { cameByClick } from '../router.ts';
import { EncodeMap } from '../encode-map/encode-map.tsx';
import { agoText } from '../text.ts';
import { Icon } from '../ui/icon.tsx';
import { Player } from '../ui/player.tsx';
import { useTitle } from '../ui/use-title.ts';
import { Captions } from './captions.tsx';
import { DeleteVideo } from './delete-video.tsx';
import { Description } from './description.tsx';
import { Download } from './download.tsx';
import { Facts } from './facts.tsx';
import { Poster } from './poster.tsx';
import { Share } from './share.tsx';
import { Stage } from './stage.tsx';
import { Title } from './title.tsx';
import { useLiveVideo } from './use-video.ts';

/** One video, large, and what there is to know of it. */
export function WatchPage({ id }: { id: string }) {
  const { video: known, failure, retry, segments, arrival, setVideo } = useLiveVideo(id);
  const isMissing = failure?.isMissing === true;
  const video = isMissing ? undefined : known;
  // What other people change is there with the next load; who changes it wants to see it.
  const [captionChanges, setCaptionChanges] = useState(0);
  useTitle(isMissing ? 'Not found' : video?.title);

  return (
    <article class="watch">
      <div class="frame" style={{ '--ratio': ratioOf(video) }}>
        <Stage video={video} failure={failure} arrival={arrival} onRetry={retry}>
          {(playable) => (
            <Player
              video={playable}
              autoplay={cameByClick.value}
              start={new URLSearchParams(location.search).get('start') ?? undefined}
              isResumed
              version={captionChanges}
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
          {video === undefined ? (
            <h1 data-testid="title">{isMissing ? 'Not found' : '\u00a0'}</h1>
          ) : (
            <Title video={video} onSaved={setVideo} />
          )}
          {video !== undefined && (
            <p class="added">
              Added <time dateTime={video.createdAt}>{agoText(new Date(video.createdAt), new Date())}</time>
            </p>
          )}
          {video !== undefined && (
            <>
              <Description video={video} onSaved={setVideo} />
              <Facts video={video} />
              <EncodeMap video={video} segments={segments} />
              <DeleteVideo video={video} />
            </>
          )}
        </div>
        {video !== undefined && video.status !== 'failed' && (
          <aside class="beside">
            <Share video={video} />
            <Captions video={video} onChanged={() => setCaptionChanges((changes) => changes + 1)} />
            <Download video={video} />
            <Poster video={video} onSaved={setVideo} />
          </aside>
        )}
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
