import type { Cue } from './cue.ts';
import { formatTimestamp } from './timestamps.ts';

/**
 * RFC 8216bis 3.1.4: HLS wants to know which time of the media is time 0 of the text. It is 0 in everything we make;
 * for other readers this is a header line that they skip (WebVTT 4.1).
 */
const HEADER = 'WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000';

/** A WebVTT file of `cues`. */
export function writeWebvtt(cues: readonly Cue[]): string {
  const blocks = cues.map(({ startMs, endMs, settings, text }) => {
    const times = `${formatTimestamp(startMs)} --> ${formatTimestamp(endMs)}`;
    return `${times}${settings === '' ? '' : ` ${settings}`}\n${text}`;
  });
  return `${[HEADER, ...blocks].join('\n\n')}\n`;
}
