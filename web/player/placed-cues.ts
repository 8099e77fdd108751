/**
 * Captions make room for the controls, by moving up as a whole. One that has a place of its own, at the top mostly,
 * would leave the picture with that: while there is one on screen, none moves.
 */

/** Keeps the attribute `placed-cues` of `host` in step with what `media` shows. */
export function markPlacedCues(host: HTMLElement, media: HTMLMediaElement): void {
  const update = () => {
    const active = [...media.textTracks].flatMap(({ mode, activeCues }) =>
      mode === 'showing' ? [...(activeCues ?? [])] : [],
    );
    host.toggleAttribute('placed-cues', active.some(isPlaced));
  };
  media.textTracks.addEventListener('addtrack', ({ track }) => track?.addEventListener('cuechange', update));
  media.textTracks.addEventListener('change', update);
}

function isPlaced(cue: TextTrackCue): boolean {
  return 'line' in cue && cue.line !== 'auto';
}
