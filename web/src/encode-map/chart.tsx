import { type ReadonlySignal, useSignal, useSignalEffect } from '@preact/signals';
import type { RefObject } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { Track, Video } from '../api.ts';
import { durationText, percentText } from '../text.ts';
import { type Colours, paint, ROW_PITCH } from './paint.ts';
import { type OnScreen, seekPlayer } from './playback.ts';
import { indexAt, type Segments, type SegmentState, storedFraction, type TrackSegments } from './segments.ts';

type ChartProps = {
  video: Video;
  segments: Segments;
  onScreen: ReadonlySignal<OnScreen | undefined>;
  /** Its swatches are where the colours are from, so that the two cannot differ. */
  legend: RefObject<HTMLElement | null>;
};

type Row = { readonly track: Track; readonly segments: TrackSegments };
type Pointed = { readonly x: number; readonly row: number };

/** The picture itself, with the names of its rows, a time line and a word on what the pointer is at. */
export function Chart({ video, segments, onScreen, legend }: ChartProps) {
  void segments.version.value;
  const canvas = useRef<HTMLCanvasElement>(null);
  const repaint = useSignal(0);
  const pointed = useSignal<Pointed | undefined>(undefined);
  const duration = video.durationSeconds ?? 0;
  const rows = video.tracks.flatMap((track) => {
    const known = segments.tracks.get(track.id);
    return known === undefined ? [] : [{ track, segments: known }];
  });

  useEffect(() => whenLookChanges(canvas.current, () => repaint.value++), []);
  useSignalEffect(() => {
    void segments.version.value;
    void repaint.value;
    if (canvas.current === null || legend.current === null || duration === 0) return;
    const shown = video.tracks.flatMap(({ id }) => segments.tracks.get(id) ?? []);
    paint(canvas.current, shown, duration, coloursOf(legend.current));
  });

  const point = ({ offsetX, offsetY, currentTarget }: PointerEvent & { currentTarget: HTMLElement }) => {
    pointed.value = { x: offsetX / currentTarget.clientWidth, row: Math.floor(offsetY / ROW_PITCH) };
  };
  return (
    <div class="chart" aria-hidden="true">
      <ol class="chart-names">
        {rows.map(({ track }) => (
          <li key={track.id}>{track.label}</li>
        ))}
      </ol>
      <div
        class="chart-picture"
        data-testid="chart"
        onPointerMove={point}
        onPointerDown={point}
        onPointerLeave={() => {
          pointed.value = undefined;
        }}
        onClick={({ offsetX, currentTarget }) => seekPlayer((offsetX / currentTarget.clientWidth) * duration)}
      >
        <canvas ref={canvas} style={{ height: `${rows.length * ROW_PITCH - 6}px` }} />
        <Position onScreen={onScreen} duration={duration} />
        <Tip pointed={pointed} rows={rows} duration={duration} />
      </div>
      <ol class="chart-shares">
        {rows.map(({ track, segments: known }) => (
          <li key={track.id}>{percentText(storedFraction(known))}</li>
        ))}
      </ol>
      <p class="chart-times">
        <span>0:00</span>
        <span>{durationText(duration / 2)}</span>
        <span>{durationText(duration)}</span>
      </p>
    </div>
  );
}

function Position({
  onScreen,
  duration,
}: {
  onScreen: ReadonlySignal<OnScreen | undefined>;
  duration: number;
}) {
  const now = onScreen.value;
  if (now === undefined || duration === 0) return null;
  return (
    <i class="chart-position" style={{ left: `${(100 * now.seconds) / duration}%` }} data-testid="position" />
  );
}

const STATE_TEXT: Readonly<Record<SegmentState, string>> = {
  waiting: 'waiting',
  encoding: 'being encoded',
  stored: 'stored',
};

function Tip({
  pointed,
  rows,
  duration,
}: {
  pointed: ReadonlySignal<Pointed | undefined>;
  rows: readonly Row[];
  duration: number;
}) {
  const at = pointed.value;
  const row = at === undefined ? undefined : rows[at.row];
  if (at === undefined || row === undefined) return null;
  const { segmentSeconds, states, seen } = row.segments;
  const index = indexAt(row.segments, at.x * duration);
  const [from, to] = [index * segmentSeconds, Math.min(duration, (index + 1) * segmentSeconds)];
  const words = [
    row.track.label,
    `${durationText(from)}–${durationText(to)}`,
    STATE_TEXT[states[index] ?? 'waiting'],
    ...(seen[index] ? ['watched'] : []),
  ];
  return (
    <span
      class="chart-tip"
      // Kept inside by moving it along its own width.
      style={{
        left: `${at.x * 100}%`,
        top: `${at.row * ROW_PITCH}px`,
        translate: `${-100 * at.x}% calc(-100% - 8px)`,
      }}
      data-testid="chart-tip"
    >
      {words.join(' · ')}
    </span>
  );
}

/** The size, the density of the screen, or light and dark. Returns what ends it. */
function whenLookChanges(element: HTMLElement | null, tell: () => void): () => void {
  if (element === null) return () => undefined;
  const lifetime = new AbortController();
  const observer = new ResizeObserver(tell);
  observer.observe(element);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', tell, { signal: lifetime.signal });
  return () => {
    observer.disconnect();
    lifetime.abort();
  };
}

function coloursOf(legend: HTMLElement): Colours {
  const colourOf = (look: keyof Colours) => {
    const swatch = legend.querySelector(`[data-look=${look}]`);
    return swatch === null ? '' : getComputedStyle(swatch).backgroundColor;
  };
  return {
    waiting: colourOf('waiting'),
    encoding: colourOf('encoding'),
    stored: colourOf('stored'),
    seen: colourOf('seen'),
  };
}
