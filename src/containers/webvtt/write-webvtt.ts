import type { Cue } from './cue.ts';
import { formatTimestamp } from './timestamps.ts';

/**
 * RFC 8216bis 3.1.4: HLS wants to know which time of the media is time 0 of the text. It is 0 in everything we make;
 * for other readers this is a header line that they skip (WebVTT 4.1).
 */
const HEADER = headerAt(0);

function headerAt(ticks: number): string {
  return `WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:${ticks},LOCAL:00:00:00.000`;
}

/** A file that {@link writeWebvtt} has made, for media whose clock shows `ticks` (of 90 kHz) at time 0 of the text. */
export function onTransportClock(webvtt: string, ticks: number): string {
  return webvtt.startsWith(HEADER) ? headerAt(ticks) + webvtt.slice(HEADER.length) : webvtt;
}

/** A WebVTT file of `cues`. */
export function writeWebvtt(cues: readonly Cue[]): string {
  const blocks = cues.map(({ startMs, endMs, settings, text }) => {
    const times = `${formatTimestamp(startMs)} --> ${formatTimestamp(endMs)}`;
    return `${times}${settings === '' ? '' : ` ${settings}`}\n${text}`;
  });
  return `${[HEADER, ...blocks].join('\n\n')}\n`;
}
