/** Small pictures on the time line: media-chrome shows there what a track of a certain label says. */
import type MediaTimeRange from 'media-chrome/dist/media-time-range.js';

const TRACK = 'track[label=thumbnails]';

/** `address`: of WebVTT that says which part of which picture is of which time; null for none. */
export function offerStoryboard(
  media: HTMLMediaElement,
  seekBar: MediaTimeRange,
  address: string | null,
): void {
  media.querySelector(TRACK)?.remove();
  if (address === null) return;
  // HTML 4.8.11.11.3: the element's own mode decides how its tracks are fetched, and from elsewhere none is without.
  if (new URL(address, location.href).origin !== location.origin) media.crossOrigin = 'anonymous';
  const track = document.createElement('track');
  track.kind = 'metadata';
  track.label = 'thumbnails';
  // Loaded although nothing of it is shown as text.
  track.default = true;
  track.src = address;
  track.addEventListener('load', () => previewAgain(seekBar));
  media.append(track);
}

/** Whoever points at the bar already was shown the time alone, and would be until they moved on by a second. */
function previewAgain(seekBar: MediaTimeRange): void {
  const { mediaPreviewTime: detail } = seekBar;
  if (detail === undefined) return;
  seekBar.dispatchEvent(new CustomEvent('mediapreviewrequest', { bubbles: true, composed: true, detail }));
}
