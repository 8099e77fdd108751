/** The encode map as the JSON API shows it. */
import { z } from 'zod';
import type { Video } from '../catalog/video.ts';
import type { Track } from '../media/presentation.ts';
import type { SegmentState } from '../pipeline/events.ts';
import type { VideoService } from '../pipeline/services.ts';

const LETTERS: Readonly<Record<SegmentState, string>> = { waiting: 'w', encoding: 'e', stored: 's' };

const TrackSegmentsJson = z.object({
  count: z.int().meta({ description: 'Segments of this track.' }),
  segmentSeconds: z.number().meta({
    description:
      'How long the first segment is. All others are as long, but for the last one and those of ready-made packages.',
  }),
  states: z
    .string()
    .regex(/^([wes](\d+)?)*$/)
    .meta({
      description:
        'The state of every segment in order, as runs: a letter (`s` stored, `e` being encoded just now, `w` waiting) and how many segments in a row are in that state, where that is more than one. `s8ew213`: 8 are stored, the next is being encoded, 213 wait.',
    }),
});

/** The schema of the encode map. */
export const SegmentsJson = z
  .object({
    encodedFraction: z
      .number()
      .min(0)
      .max(1)
      .meta({ description: 'How much of all segments is stored, 0 to 1.' }),
    tracks: z
      .record(z.string(), TrackSegmentsJson)
      .meta({ description: 'By track id. Empty until inspected.' }),
  })
  .meta({
    id: 'Segments',
    description: 'What of a video is stored, what is being encoded and what waits.',
    examples: [
      {
        encodedFraction: 0.036,
        tracks: {
          v480: { count: 222, segmentSeconds: 4.004, states: 's8ew213' },
          a1: { count: 222, segmentSeconds: 4.011, states: 's8w214' },
        },
      },
    ],
  });

/** The JSON of a video's encode map. */
export function viewSegments(video: Video, videos: VideoService): z.infer<typeof SegmentsJson> {
  const states = videos.encodeMap(video);
  const tracks = (videos.presentation(video)?.tracks ?? []).map((track) => [
    track.id,
    {
      count: track.segments.length,
      segmentSeconds: segmentSecondsOf(track),
      states: formatRuns(states[track.id] ?? []),
    },
  ]);
  return { encodedFraction: videos.encodedFraction(video), tracks: Object.fromEntries(tracks) };
}

/** `s2ew7` for two stored, one encoding, seven waiting. */
export function formatRuns(states: readonly SegmentState[]): string {
  let text = '';
  for (let start = 0, end = 0; start < states.length; start = end) {
    const state = states[start]!;
    while (states[end] === state) end++;
    text += LETTERS[state] + (end - start === 1 ? '' : `${end - start}`);
  }
  return text;
}

/** Rounded to a thousandth. */
function segmentSecondsOf({ segments, timescale }: Track): number {
  const ticks = segments[0]?.durationTicks ?? 0;
  return Math.round((ticks / timescale) * 1000) / 1000;
}
