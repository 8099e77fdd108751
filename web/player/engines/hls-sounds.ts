/** The sounds of an HLS presentation, as hls.js knows them: Renditions in a group for each layout. */
import type HlsJs from 'hls.js';
import { nearestSound, type Sound, type SoundWish } from './sounds.ts';

/** Each once, the default one first. A Rendition is named by its address: groups share those without surround. */
export function hlsSounds(hls: HlsJs): Sound[] {
  const tracks = hls.allAudioTracks.toSorted((a, b) => Number(b.default) - Number(a.default));
  const sounds = tracks.map(({ url, name, lang = '', channels }) => ({
    id: url,
    name,
    language: lang,
    // `2`, or `16/JOC`: what follows the number says how they are coded.
    channels: Number.parseInt(channels ?? '', 10) || 2,
  }));
  return [...new Map(sounds.map((sound) => [sound.id, sound])).values()];
}

/**
 * Chooses the sound to begin with. Each quality is listed once with each layout, and hls.js takes these for steps of
 * one ladder: it would change the layout with the quality (docs/decisions/080). So only the variants with the group of
 * that sound are left.
 */
export function beginWithSound(hls: HlsJs, wish: SoundWish | undefined): void {
  const sound = nearestSound(hlsSounds(hls), wish);
  const track = hls.allAudioTracks.find(({ url }) => url === sound?.id);
  if (track === undefined) return;
  const { groupId, name } = track;
  if (hls.levels.some(({ audioGroups }) => audioGroups?.includes(groupId))) {
    for (const level of hls.levels.filter(({ audioGroups }) => !audioGroups?.includes(groupId))) {
      hls.removeLevel(hls.levels.indexOf(level));
    }
  }
  hls.setAudioOption({ groupId, name });
}
