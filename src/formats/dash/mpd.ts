/** The MPD of a video that is wholly known: static, one Period (ISO/IEC 23009-1 5.3.1). */
import { type Presentation, presentationDurationSeconds } from '../../media/presentation.ts';
import { adaptationSets } from './adaptation-sets.ts';
import { xsDuration } from './duration.ts';
import { element } from './xml.ts';

/** 8.4 and 8.12: numbered segments from templates; CMAF constraints on them. */
const PROFILES = 'urn:mpeg:dash:profile:isoff-live:2011,urn:mpeg:dash:profile:cmaf:2019';

/** The whole MPD as XML: nothing about it changes later, because the grid is fixed before anything is encoded. */
export function mpd(presentation: Presentation, revision: string): string {
  const period = element('Period', { id: '0', start: 'PT0S' }, adaptationSets(presentation, revision));
  const root = element(
    'MPD',
    {
      xmlns: 'urn:mpeg:dash:schema:mpd:2011',
      profiles: PROFILES,
      type: 'static',
      mediaPresentationDuration: xsDuration(presentationDurationSeconds(presentation)),
      minBufferTime: xsDuration(longestSegmentSeconds(presentation)),
    },
    [period],
  );
  return `<?xml version="1.0" encoding="UTF-8"?>\n${root}\n`;
}

/** 5.3.5.4: with this much buffered, `@bandwidth` suffices; ours is the highest mean of any one segment. */
function longestSegmentSeconds(presentation: Presentation): number {
  let longest = 0;
  for (const { segments, timescale } of presentation.tracks) {
    for (const { durationTicks } of segments) longest = Math.max(longest, durationTicks / timescale);
  }
  return longest;
}
