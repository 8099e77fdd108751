import { useState } from 'preact/hooks';
import { isAudioOnly, onThisOrigin, type Video } from '../api.ts';
import { Icon, type IconName } from '../ui/icon.tsx';

/** The poster, or a coloured stand-in where there is none or it does not load. */
export function Picture({ video }: { video: Video }) {
  const poster = onThisOrigin(video.playback.poster);
  const [broken, setBroken] = useState<string>();
  if (poster === undefined || poster === broken) return <StandIn video={video} />;
  const isPortrait = (video.height ?? 0) > (video.width ?? 0);
  return (
    <>
      {/* A portrait picture fills the width with a blurred copy of itself. */}
      {isPortrait && <img class="backdrop" src={poster} alt="" loading="lazy" decoding="async" />}
      <img
        class={isPortrait ? 'portrait' : ''}
        src={poster}
        alt=""
        width={320}
        height={180}
        loading="lazy"
        decoding="async"
        onError={() => setBroken(poster)}
      />
    </>
  );
}

function StandIn({ video }: { video: Video }) {
  const icon: IconName = video.status === 'failed' ? 'alert' : isAudioOnly(video) ? 'wave' : 'film';
  return (
    <span class="stand-in" style={{ '--hue': hueOf(video.id) }}>
      <Icon name={icon} />
    </span>
  );
}

/** A colour of its own for each video, the same every time: between green and violet, as the logo is. */
function hueOf(id: string): number {
  let sum = 0;
  for (const char of id) sum = (sum * 31 + char.charCodeAt(0)) % 997;
  return 165 + (sum % 110);
}
