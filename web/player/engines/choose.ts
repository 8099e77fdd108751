/** Which engine plays what. Each library is a chunk of its own, fetched when it is first needed. */
import type { Engine, EngineName, EngineOptions, Format } from './engine.ts';
import { canPlayNatively, createNativeEngine } from './native.ts';

/** Starts to load `options.url`. From then on the media element is the engine's. */
export type StartEngine = (options: EngineOptions) => Engine;

/** What plays `format` here, once it is fetched; `wish` is for tests and for special devices. */
export async function fetchEngine(
  format: Format,
  media: HTMLVideoElement,
  wish?: EngineName,
): Promise<StartEngine | undefined> {
  if (format === 'dash') return hasMediaSource() ? (await import('./shaka.ts')).createShakaEngine : undefined;
  if (hasMediaSource() && wish !== 'native') return (await import('./hls.ts')).createHlsEngine;
  return canPlayNatively(media) ? createNativeEngine : undefined;
}

/** Without it only the browser's own HLS is left. */
export function hasMediaSource(): boolean {
  return 'MediaSource' in window || 'ManagedMediaSource' in window;
}
