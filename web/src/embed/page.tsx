import { useEffect } from 'preact/hooks';
import { useVideo } from '../watch/use-video.ts';
import { Player } from '../ui/player.tsx';
import { useTitle } from '../ui/use-title.ts';
import { Stage } from '../watch/stage.tsx';

/** Nothing but the player, for an iframe: `?autoplay&muted&start=seconds`. */
export function EmbedPage({ id }: { id: string }) {
  const { video, failure, retry } = useVideo(id);
  const wishes = new URLSearchParams(location.search);
  useTitle(video?.title);
  useEffect(() => {
    document.documentElement.classList.add('embedded');
    return () => document.documentElement.classList.remove('embedded');
  }, []);

  return (
    <main class="embed">
      <Stage video={video} failure={failure} onRetry={retry}>
        {(playable) => (
          <Player
            video={playable}
            autoplay={wishes.has('autoplay')}
            muted={wishes.has('muted')}
            start={wishes.get('start') ?? undefined}
            // A page may hold many embedded players, and each that loads costs an encode.
            isLazy={!wishes.has('autoplay')}
          />
        )}
      </Stage>
    </main>
  );
}
