/** Which engine plays what. Each library is a chunk of its own, fetched when it is first needed. */
import type { Engine, EngineName, EngineOptions, Format } from './engine.ts';
import { canPlayNatively, createNativeEngine } from './native.ts';

/** Starts to load `options.url` with the engine for `format`; `wish` is for tests and for special devices. */
export async function createEngine(
  format: Format,
  options: EngineOptions,
  wish?: EngineName,
): Promise<Engine | undefined> {
  if (format === 'dash') {
    if (!hasMediaSource()) return undefined;
    const { createShakaEngine } = await import('./shaka.ts');
    return createShakaEngine(options);
  }
  if (hasMediaSource() && wish !== 'native') {
    const { createHlsEngine } = await import('./hls.ts');
    return createHlsEngine(options);
  }
  return canPlayNatively(options.media) ? createNativeEngine(options) : undefined;
}

/** Without it only the browser's own HLS is left. */
export function hasMediaSource(): boolean {
  return 'MediaSource' in window || 'ManagedMediaSource' in window;
}
