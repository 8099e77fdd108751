import { useComputed, useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { isReadyMade, type Track, type Video } from '../api.ts';
import { percentText } from '../text.ts';
import { Chart } from './chart.tsx';
import { type OnScreen, watchPlayer } from './playback.ts';
import { type Segments, storedFraction } from './segments.ts';

type EncodeMapProps = { video: Video; segments: Segments };

/** Rungs by time: what is stored, what is being encoded, what waits, and what of it this viewer has watched. */
export function EncodeMap({ video, segments }: EncodeMapProps) {
  const onScreen = useSignal<OnScreen | undefined>(undefined);
  const legend = useRef<HTMLParagraphElement>(null);
  const hasRows = useComputed(() => segments.version.value > 0 && segments.tracks.size > 0).value;
  const wasReady = useRef(video.status === 'ready');

  useEffect(() => {
    const lifetime = new AbortController();
    const note = (now: OnScreen) => {
      onScreen.value = now;
      if (now.isPlaying) for (const id of now.trackIds) segments.see(id, now.seconds);
    };
    watchPlayer(video.tracks, note, lifetime.signal);
    return () => lifetime.abort();
  }, [video.tracks, segments]);

  // A ready-made package has nothing that is ever encoded.
  if (!hasRows || isReadyMade(video)) return null;
  return (
    // Open while there is something to watch in it.
    <details class="encode-map" open={!wasReady.current} data-testid="encode-map">
      <summary>
        <h2>Encode map</h2>
        <span data-testid="encoded-summary">{summaryText(video)}</span>
      </summary>
      <p class="legend" ref={legend} aria-hidden="true">
        <Key look="waiting" text="Waiting" />
        <Key look="encoding" text="Being encoded" />
        <Key look="stored" text="Stored" />
        <Key look="seen" text="Watched" />
      </p>
      <Chart video={video} segments={segments} onScreen={onScreen} legend={legend} />
      <Spoken tracks={video.tracks} segments={segments} />
    </details>
  );
}

function Key({ look, text }: { look: string; text: string }) {
  return (
    <span>
      <i class="swatch" data-look={look} />
      {text}
    </span>
  );
}

/** The same in words. */
function Spoken({ tracks, segments }: { tracks: readonly Track[]; segments: Segments }) {
  void segments.version.value;
  return (
    <ul class="visually-hidden" aria-label="Encoded, by quality" data-testid="encoded-by-track">
      {tracks.map(({ id, label }) => {
        const track = segments.tracks.get(id);
        return track === undefined ? null : (
          <li key={id}>
            {label}: {percentText(storedFraction(track))}
          </li>
        );
      })}
    </ul>
  );
}

function summaryText({ status, encodedFraction }: Video): string {
  return status === 'ready' ? 'Everything is encoded' : `${percentText(encodedFraction)} encoded`;
}
