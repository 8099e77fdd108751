/** From the heads of stored segments to the layout of a progressive MP4 file. */
import { parseMediaSegment } from '../../containers/isobmff/parse-media-segment.ts';
import { type Chunk, SampleTable } from '../../containers/isobmff/sample-table.ts';
import { type TrackTemplate, readTrackTemplate } from '../../containers/isobmff/track-template.ts';
import { type MovieTrack, writeMovieFront } from '../../containers/isobmff/write-movie.ts';
import { type Track, isAudio } from '../../media/presentation.ts';
import type { Composition, MediaHead, MediaPart, Piece } from '../format.ts';

/** A track whose heads are being given: its init segment, then its segments. */
type GrowingTrack = {
  readonly track: Track;
  readonly table: SampleTable;
  readonly chunks: { readonly seconds: number; readonly part: MediaPart }[];
  template?: TrackTemplate;
  given: number;
};

/** Heads are given track by track, for each its init segment and then its segments in order. */
export function beginMovie(tracks: readonly Track[]): Composition {
  const growing = tracks.map(
    (track): GrowingTrack => ({ track, table: new SampleTable(), chunks: [], given: 0 }),
  );
  return {
    add(head) {
      const current = growing.find(({ track, given }) => given <= track.segments.length);
      if (current === undefined) throw new RangeError('more heads than there are inputs');
      addHead(current, head);
    },
    pieces: () => layOut(growing),
  };
}

function addHead(growing: GrowingTrack, { bytes, totalBytes }: MediaHead): void {
  const { track, table, chunks, template } = growing;
  const segment = track.segments[growing.given++ - 1];
  if (segment === undefined || template === undefined) {
    growing.template = readTrackTemplate(bytes);
    return;
  }
  const [parsed] = parseMediaSegment(bytes, template.defaults, totalBytes);
  for (const chunk of table.append(parsed?.samples ?? [])) {
    chunks.push({
      seconds: chunk.startTicks / template.timescale,
      part: partOf(track.id, segment.index, chunk),
    });
  }
}

function partOf(trackId: string, index: number, { offset, bytes }: Chunk): MediaPart {
  return { trackId, index, start: offset, end: offset + bytes - 1 };
}

/** What is played together lies together, so that a player that reads on needs no second connection. */
function layOut(growing: readonly GrowingTrack[]): readonly Piece[] {
  const chunks = growing
    .flatMap((one, track) => one.chunks.map((chunk) => ({ ...chunk, track })))
    .sort((a, b) => a.seconds - b.seconds || a.track - b.track);
  const firstSound = growing.findIndex(({ track }) => isAudio(track));
  const tracks = growing.map(({ track, table, template }, index): MovieTrack => {
    if (template === undefined) throw new RangeError('fewer heads than there are inputs');
    return {
      template,
      table,
      isEnabled: !isAudio(track) || index === firstSound,
      ...(isAudio(track) && track.language !== undefined ? { language: track.language } : {}),
      ...(isAudio(track) && track.title !== undefined ? { name: track.title } : {}),
    };
  });
  const front = writeMovieFront(
    tracks,
    chunks.map(({ track, part }) => ({ track, bytes: part.end - part.start + 1 })),
  );
  return [front, ...chunks.map(({ part }) => part)];
}
