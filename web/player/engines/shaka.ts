/** DASH through Media Source Extensions, by Shaka Player (docs/decisions/031). Loaded only when chosen. */
import shaka from 'shaka-player/dist/shaka-player.dash-es2021.js';
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
  type Quality,
  type QualityChoice,
  toQualities,
} from './engine.ts';
import { languageName, nearestSound, type Sound, type SoundWish } from './sounds.ts';

/** What stays in the buffer while a chosen quality is fetched, so that the change does not stall. */
const KEEP_AHEAD_SECONDS = 6;
/** Of sound less: who asks for another language wants to hear it. */
const KEEP_SOUND_SECONDS = 1;

/** Plays `options.url` as DASH. */
export function createShakaEngine(options: EngineOptions): Engine {
  const player = new shaka.Player();
  player.configure(shakaConfig(options));
  for (const event of [
    'trackschanged',
    'adaptation',
    'variantchanged',
    'mediaqualitychanged',
    'audiotrackschanged',
  ]) {
    player.addEventListener(event, options.onChange);
  }
  player.addEventListener('error', (event) => fail((event as unknown as { detail: unknown }).detail));

  let isDestroyed = false;
  const fail = (error: unknown) => {
    if (isDestroyed || !isCritical(error)) return;
    options.onFailure(failure(error));
  };
  const loaded = player
    .attach(options.media)
    .then(() => player.load(options.url, options.startSeconds || null))
    .then(() => beginWithSound(player, options.sound))
    .then(options.onChange, fail);

  const qualities = () => (isDestroyed ? [] : variantQualities(player));
  return {
    name: 'shaka',
    qualities,
    playing: () => {
      const active = player.getVariantTracks().find((track) => track.active);
      return qualities().find(({ id }) => id === String(active?.videoId));
    },
    sounds: () => (isDestroyed ? [] : shakaSounds(player)),
    playingSound: () => (isDestroyed ? undefined : shakaSounds(player).find(({ track }) => track.active)),
    selectSound: (id) => {
      const sound = shakaSounds(player).find((one) => one.id === id);
      if (sound !== undefined) player.selectAudioTrack(sound.track, KEEP_SOUND_SECONDS);
      return sound !== undefined;
    },
    select: (choice) => void loaded.then(() => isDestroyed || select(player, choice)),
    captions: () =>
      isDestroyed
        ? []
        : toCaptions(
            player.getTextTracks().map(({ id, label, language, roles, forced }) => ({
              id: String(id),
              label: label ?? '',
              language: language === 'und' ? '' : language,
              isDefault: roles.includes('main'),
              isForced: forced,
            })),
          ),
    showCaptions: (id) => void loaded.then(() => isDestroyed || showCaptions(player, id)),
    destroy: () => {
      isDestroyed = true;
      return player.destroy();
    },
  };
}

type Variant = ReturnType<shaka.Player['getVariantTracks']>[number];

/** A variant is a pair of video and audio; the viewer chooses the video. */
function variantQualities(player: shaka.Player): Quality[] {
  const byVideo = new Map<string, Variant>();
  for (const track of player.getVariantTracks()) {
    if (track.videoId !== null && track.height) byVideo.set(String(track.videoId), track);
  }
  return toQualities(
    [...byVideo].map(([id, { width, height, bandwidth }]) => ({
      id,
      width: width ?? 0,
      height: height ?? 0,
      bitsPerSecond: bandwidth,
    })),
  );
}

/** The main one first. Two that differ in nothing cannot be told apart, and are one. */
function shakaSounds(player: shaka.Player): (Sound & { readonly track: shaka.extern.AudioTrack })[] {
  return player
    .getAudioTracks()
    .toSorted((a, b) => Number(b.primary) - Number(a.primary))
    .map((track) => {
      const { label, language, channelsCount, roles } = track;
      const known = language === 'und' ? '' : language;
      const name = label ?? (languageName(known) || 'Sound');
      return {
        id: JSON.stringify([label, language, channelsCount, roles]),
        name,
        language: known,
        channels: channelsCount ?? 2,
        track,
      };
    });
}

function beginWithSound(player: shaka.Player, wish: SoundWish | undefined): void {
  const sounds = shakaSounds(player);
  const sound = nearestSound(sounds, wish);
  if (sound !== undefined && sounds.length > 1 && !sound.track.active) player.selectAudioTrack(sound.track);
}

function select(player: shaka.Player, choice: QualityChoice): void {
  player.configure({ abr: { enabled: choice === 'auto' } });
  if (choice === 'auto') return;
  const tracks = player.getVariantTracks();
  const active = tracks.find((track) => track.active);
  const candidates = tracks.filter((track) => String(track.videoId) === choice);
  const track = candidates.find(({ audioId }) => audioId === active?.audioId) ?? candidates[0];
  if (track !== undefined && !track.active) player.selectVariantTrack(track, true, KEEP_AHEAD_SECONDS);
}

function showCaptions(player: shaka.Player, id: string | undefined): void {
  player.selectTextTrack(player.getTextTracks().find((track) => String(track.id) === id));
}

function shakaConfig({ isFullyEncoded, sound }: EngineOptions): object {
  const retryParameters = {
    maxAttempts: 6,
    baseDelay: 1000,
    backoffFactor: 1.5,
    timeout: 120_000,
    connectionTimeout: FIRST_BYTE_TIMEOUT_MS,
    stallTimeout: FIRST_BYTE_TIMEOUT_MS,
  };
  return {
    abrFactory: () => new EncodeAwareAbr(),
    abr: {
      restrictToElementSize: true,
      // Two seconds of dropped frames, as after a seek on a busy machine, would take the quality away for 30 s: from
      // the menu too, where the viewer is about to choose it.
      droppedFrames: false,
      // The browser's guess knows nothing of the encoder.
      useNetworkInformation: false,
      defaultBandwidthEstimate: isFullyEncoded ? HOPEFUL_BITS_PER_SECOND : CAUTIOUS_BITS_PER_SECOND,
      // A server on the same machine answers in less than the 5 ms that otherwise mean "from the cache".
      cacheLoadThreshold: 0,
    },
    // What begins to load; which of several sounds of that language it is, is known once the manifest is.
    preferredAudio: [{ language: sound?.language ?? '', channelCount: sound?.isSurround === true ? 6 : 2 }],
    manifest: { retryParameters },
    streaming: {
      retryParameters,
      bufferingGoal: BUFFER_AHEAD_SECONDS,
      bufferBehind: BUFFER_BEHIND_SECONDS,
    },
  };
}

/** Shaka counts the wait for the first byte as transfer time; here that is the server encoding. */
class EncodeAwareAbr extends shaka.abr.SimpleAbrManager {
  override segmentDownloaded(
    ...[deltaTimeMs, numBytes, allowSwitch, request, context]: Parameters<
      shaka.abr.SimpleAbrManager['segmentDownloaded']
    >
  ): void {
    const isFirstPart = request?.packetNumber === 1;
    const waitedMs = isFirstPart ? (request?.timeToFirstByte ?? 0) : 0;
    super.segmentDownloaded(Math.max(1, deltaTimeMs - waitedMs), numBytes, allowSwitch, request, context);
  }
}

function isCritical(error: unknown): error is shaka.util.Error {
  return error instanceof shaka.util.Error && error.severity === shaka.util.Error.Severity.CRITICAL;
}

function failure(error: shaka.util.Error): PlaybackFailure {
  const { Category, Code } = shaka.util.Error;
  const detail = `shaka ${error.code}: ${JSON.stringify(error.data)}`;
  if (error.code === Code.BAD_HTTP_STATUS) {
    const status: unknown = error.data[1];
    if (status === 404 || status === 410) {
      return { kind: 'missing', message: 'This video is not there any more.', detail };
    }
    return { kind: 'network', message: 'The server is too busy to send the video.', detail };
  }
  if (error.category === Category.NETWORK) {
    return { kind: 'network', message: 'The connection was lost.', detail };
  }
  if (error.code === Code.CONTENT_UNSUPPORTED_BY_BROWSER) {
    return { kind: 'unsupported', message: 'This browser cannot decode this video.', detail };
  }
  return { kind: 'media', message: 'The video could not be decoded.', detail };
}
