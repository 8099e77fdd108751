/** The sounds of a video that the browser plays by itself, where it tells of them (Safari does, Chromium does not). */
import { languageName, type Sound } from './sounds.ts';

/** HTML 4.8.11.10.1. Not in TypeScript's library, since not every browser has it. */
type AudioTrack = { enabled: boolean; readonly label: string; readonly language: string };
type AudioTrackList = EventTarget & ArrayLike<AudioTrack>;

/** Undefined where the browser keeps its sounds to itself. */
export function audioTracks(media: HTMLMediaElement): AudioTrackList | undefined {
  return (media as { audioTracks?: AudioTrackList }).audioTracks;
}

/** Layouts are the browser's own choice: what differs in nothing else is one sound. */
export function nativeSounds(media: HTMLMediaElement): (Sound & { readonly track: AudioTrack })[] {
  const sounds = Array.from(audioTracks(media) ?? [], (track, index) => ({
    id: String(index),
    name: track.label || languageName(track.language) || 'Sound',
    language: track.language,
    channels: 2,
    track,
  }));
  const byName = new Map<string, (typeof sounds)[number]>();
  for (const sound of sounds) {
    const key = JSON.stringify([sound.name, sound.language]);
    if (!byName.has(key) || sound.track.enabled) byName.set(key, sound);
  }
  return [...byName.values()];
}

/** False where there is no such sound. */
export function selectNativeSound(media: HTMLMediaElement, id: string | undefined): boolean {
  const sound = nativeSounds(media).find((each) => each.id === id);
  if (sound === undefined) return false;
  for (const track of Array.from(audioTracks(media) ?? [])) track.enabled = track === sound.track;
  return true;
}
