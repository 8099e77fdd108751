/** Which segments of which track are stored, being encoded or waiting, and which of them this viewer has seen. */
import { signal } from '@preact/signals';

export type SegmentState = 'waiting' | 'encoding' | 'stored';

/** As `GET /videos/{id}/segments` and the event `segments` say it. */
export type SegmentsJson = {
  readonly tracks: Readonly<
    Record<string, { readonly count: number; readonly segmentSeconds: number; readonly states: string }>
  >;
};

/** One row of the map. */
export type TrackSegments = {
  readonly segmentSeconds: number;
  /** Changed in place: thousands of segments, and a few change at a time. */
  readonly states: SegmentState[];
  /** By segment, whether it was on screen. */
  readonly seen: boolean[];
};

export type Segments = ReturnType<typeof createSegments>;

/** The map of one video, empty until {@link SegmentsJson} is put in. */
export function createSegments() {
  const tracks = new Map<string, TrackSegments>();
  /** Counts changes, at most one a frame: what shows the map listens to this. */
  const version = signal(0);
  let isTold = true;
  const changed = () => {
    if (!isTold) return;
    isTold = false;
    requestAnimationFrame(() => {
      isTold = true;
      version.value++;
    });
  };
  return {
    tracks: tracks as ReadonlyMap<string, TrackSegments>,
    version,
    /** Takes in the state of everything. What was seen stays seen. */
    reset(json: SegmentsJson) {
      for (const id of tracks.keys()) if (json.tracks[id] === undefined) tracks.delete(id);
      for (const [id, { segmentSeconds, states }] of Object.entries(json.tracks)) {
        tracks.set(id, { segmentSeconds, states: parseRuns(states), seen: tracks.get(id)?.seen ?? [] });
      }
      changed();
    },
    /** Takes in one change. */
    set(trackId: string, index: number, state: SegmentState) {
      const track = tracks.get(trackId);
      if (track === undefined || index >= track.states.length) return;
      track.states[index] = state;
      changed();
    },
    /** Whether nothing of the track is missing. */
    isComplete(trackId: string): boolean {
      return tracks.get(trackId)?.states.every((state) => state === 'stored') ?? false;
    },
    /** Marks what is on screen at this time. */
    see(trackId: string, seconds: number) {
      const track = tracks.get(trackId);
      if (track === undefined) return;
      const index = indexAt(track, seconds);
      if (track.seen[index]) return;
      track.seen[index] = true;
      changed();
    },
  };
}

/** Which segment is on screen at this time. */
export function indexAt({ segmentSeconds, states }: TrackSegments, seconds: number): number {
  return Math.min(states.length - 1, Math.max(0, Math.floor(seconds / segmentSeconds)));
}

/** 0 to 1: how much of a track is stored. */
export function storedFraction({ states }: TrackSegments): number {
  return states.length === 0 ? 1 : states.filter((state) => state === 'stored').length / states.length;
}

const STATES: Readonly<Record<string, SegmentState>> = { s: 'stored', e: 'encoding', w: 'waiting' };

/** `s2ew3` is two stored, one being encoded, three waiting. */
export function parseRuns(text: string): SegmentState[] {
  return [...text.matchAll(/([a-z])(\d*)/g)].flatMap(([, letter = '', count = '']) =>
    Array<SegmentState>(Number(count || 1)).fill(STATES[letter] ?? 'waiting'),
  );
}
