/** HLS through Media Source Extensions, by hls.js. The whole build: the light one leaves out audio groups. */
import HlsJs, { type ErrorData, ErrorDetails, ErrorTypes, Events, type HlsConfig, XhrLoader } from 'hls.js';
import { toCaptions } from './captions.ts';
import {
  BUFFER_AHEAD_SECONDS,
  BUFFER_BEHIND_SECONDS,
  CAUTIOUS_BITS_PER_SECOND,
  type Engine,
  type EngineOptions,
  FIRST_BYTE_TIMEOUT_MS,
  HOPEFUL_BITS_PER_SECOND,
  type PlaybackFailure,
  type QualityChoice,
  toQualities,
} from './engine.ts';
import { beginWithSound, hlsSounds } from './hls-sounds.ts';

/** More than this before the first byte is the server encoding, not the network. */
const NETWORK_LATENCY_MS = 250;

const RETRY_DELAY_MS = 1000;

/** Decoder trouble is mended by starting the decoder anew; if it comes back so soon, that did not help. */
const RECOVERY_WINDOW_MS = 10_000;

/** Plays `options.url` as HLS. */
export function createHlsEngine(options: EngineOptions): Engine {
  const hls = new HlsJs(hlsConfig(options));
  hls.on(Events.MANIFEST_PARSED, () => {
    beginWithSound(hls, options.sound);
    // Where no rung fits its guess, hls.js takes the first of the playlist, which is the best one.
    if (!options.isFullyEncoded) hls.firstLevel = 0;
    options.onChange();
  });
  hls.on(Events.LEVELS_UPDATED, options.onChange);
  hls.on(Events.LEVEL_SWITCHED, options.onChange);
  hls.on(Events.AUDIO_TRACK_SWITCHED, options.onChange);
  hls.on(Events.SUBTITLE_TRACKS_UPDATED, options.onChange);
  // Having told of its tracks, hls.js goes on to select one, whatever was asked for meanwhile.
  let wantedCaptions: number | undefined;
  hls.on(Events.SUBTITLE_TRACK_SWITCH, () =>
    queueMicrotask(() => {
      const isThere = wantedCaptions !== undefined && wantedCaptions < hls.subtitleTracks.length;
      if (isThere && hls.subtitleTrack !== wantedCaptions) hls.subtitleTrack = wantedCaptions!;
    }),
  );
  hls.on(Events.ERROR, errorHandler(hls, options));
  hls.loadSource(options.url);
  hls.attachMedia(options.media);

  const qualities = () =>
    toQualities(
      hls.levels
        .map(({ width, height, bitrate }, index) => ({
          id: String(index),
          width,
          height,
          bitsPerSecond: bitrate,
        }))
        .filter(({ height }) => height > 0),
    );

  return {
    name: 'hls.js',
    qualities,
    playing: () => qualities().find(({ id }) => id === String(hls.currentLevel)),
    select: (choice) => select(hls, choice),
    sounds: () => hlsSounds(hls),
    playingSound: () => {
      const { url } = hls.audioTracks[hls.audioTrack] ?? {};
      return hlsSounds(hls).find(({ id }) => id === url);
    },
    selectSound: (id) => {
      const index = hls.audioTracks.findIndex(({ url }) => url === id);
      if (index >= 0) hls.audioTrack = index;
      return index >= 0;
    },
    captions: () =>
      toCaptions(
        hls.subtitleTracks.map(({ name, lang = '', default: isDefault, forced: isForced }, index) => ({
          id: String(index),
          label: name,
          language: lang,
          isDefault,
          isForced,
        })),
      ),
    showCaptions: (id) => {
      wantedCaptions = id === undefined ? -1 : Number(id);
      hls.subtitleTrack = wantedCaptions;
    },
    destroy: async () => hls.destroy(),
  };
}

/** "next" and not "current": what is on screen plays on until the new quality has arrived. */
function select(hls: HlsJs, choice: QualityChoice): void {
  const level = choice === 'auto' ? -1 : Number(choice);
  // Before the first segment there is no next one: then it is where to start.
  if (hls.currentLevel < 0) hls.startLevel = level;
  hls.nextLevel = level;
}

function hlsConfig({ startSeconds, isFullyEncoded }: EngineOptions): Partial<HlsConfig> {
  return {
    startPosition: startSeconds > 0 ? startSeconds : -1,
    // Left to the estimate where everything is stored; the lowest otherwise, since it is encoded soonest.
    ...(isFullyEncoded ? {} : { startLevel: 0 }),
    abrEwmaDefaultEstimate: isFullyEncoded ? HOPEFUL_BITS_PER_SECOND : CAUTIOUS_BITS_PER_SECOND,
    // The test would fetch, and so encode, a segment that is then thrown away.
    testBandwidth: false,
    capLevelToPlayerSize: true,
    maxBufferLength: BUFFER_AHEAD_SECONDS,
    // Without this the buffer grows up to 60 MB at low bitrates, which is minutes of encoding.
    maxMaxBufferLength: BUFFER_AHEAD_SECONDS,
    backBufferLength: BUFFER_BEHIND_SECONDS,
    // A rung that answered 503 is not to be avoided: it is being encoded. Over before the first retry.
    errorPenaltyExpireMs: RETRY_DELAY_MS / 2,
    loader: EncodeAwareLoader,
    manifestLoadPolicy: { default: loadPolicy(4) },
    playlistLoadPolicy: { default: loadPolicy(4) },
    fragLoadPolicy: { default: loadPolicy(12) },
  };
}

function loadPolicy(maxNumRetry: number): HlsConfig['fragLoadPolicy']['default'] {
  // Every refusal has already waited for the encoder: no growing pauses on top of that. hls.js adds up the
  // retries of all rungs and of the sound, so a few dozen seconds of a busy server need many.
  const errorRetry = {
    maxNumRetry,
    retryDelayMs: RETRY_DELAY_MS,
    maxRetryDelayMs: RETRY_DELAY_MS,
    backoff: 'linear' as const,
  };
  return {
    maxTimeToFirstByteMs: FIRST_BYTE_TIMEOUT_MS,
    maxLoadTimeMs: 120_000,
    timeoutRetry: { maxNumRetry: 4, retryDelayMs: 0, maxRetryDelayMs: 0 },
    errorRetry,
  };
}

/**
 * hls.js counts the wait for the first byte as transfer time, but for about 0.1 s of it. A segment that took
 * 5 s to encode would look like a very slow network, and Auto would stay at the bottom for a minute. So the
 * request is dated to when its bytes began to come.
 */
class EncodeAwareLoader extends XhrLoader {
  override load(...[context, config, callbacks]: Parameters<XhrLoader['load']>): void {
    super.load(context, config, {
      ...callbacks,
      onSuccess: (response, stats, loaded, details) => {
        stats.loading.start = Math.max(stats.loading.start, stats.loading.first - NETWORK_LATENCY_MS);
        callbacks.onSuccess(response, stats, loaded, details);
      },
    });
  }
}

function errorHandler(hls: HlsJs, { onFailure }: EngineOptions): (event: string, data: ErrorData) => void {
  let lastRecoveryMs = Number.NEGATIVE_INFINITY;
  return (_event, data) => {
    if (!data.fatal) return;
    const now = performance.now();
    if (data.type === ErrorTypes.MEDIA_ERROR && now - lastRecoveryMs > RECOVERY_WINDOW_MS) {
      lastRecoveryMs = now;
      hls.recoverMediaError();
      return;
    }
    hls.stopLoad();
    onFailure(failure(data));
  };
}

function failure(data: ErrorData): PlaybackFailure {
  const status = data.response?.code ?? 0;
  const detail = `${data.details}${status > 0 ? ` (status ${status})` : ''}: ${data.error.message}`;
  if (status === 404 || status === 410) {
    return { kind: 'missing', message: 'This video is not there any more.', detail };
  }
  if (data.details === ErrorDetails.MANIFEST_INCOMPATIBLE_CODECS_ERROR) {
    return { kind: 'unsupported', message: 'This browser cannot decode this video.', detail };
  }
  if (data.type === ErrorTypes.NETWORK_ERROR) {
    const message = status >= 500 ? 'The server is too busy to send the video.' : 'The connection was lost.';
    return { kind: 'network', message, detail };
  }
  return { kind: 'media', message: 'The video could not be decoded.', detail };
}
