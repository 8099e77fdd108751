/**
 * HLS with MPEG-TS segments (RFC 8216bis 3.1.1), for devices that know no other. Each Variant Stream carries the
 * picture together with the sound that plays when nobody chooses; other sound is a Rendition of its own. Segments are
 * made of the stored ones as they are asked for.
 */
import {
  type AudioTrack,
  type Presentation,
  type Track,
  type VideoTrack,
  defaultAudio,
  isAudio,
  isVideo,
  presentationDurationSeconds,
} from '../../media/presentation.ts';
import { transportCaptionPath } from '../../media/captions.ts';
import type { Format, FormatInput, Manifest, Resolved, Rewrapped, StoredMedia } from '../format.ts';
import { audioGroups } from '../hls/renditions.ts';
import { subtitlePlaylist } from '../hls/subtitles.ts';
import { type Cut, muxedCuts, soundCuts } from './cuts.ts';
import { mediaPlaylist, multivariantPlaylist } from './playlists.ts';
import { transportSegment } from './segment.ts';

const FOLDER = 'hls-ts';
const ENTRY = `${FOLDER}/main.m3u8`;

export const hlsTs: Format = {
  name: 'hls-ts',
  entry: ENTRY,

  accepts,

  resolve({ presentation, revision }: FormatInput, path: string): Resolved | undefined {
    if (!accepts(presentation)) return undefined;
    if (path === ENTRY)
      return playlist(multivariantPlaylist(carried(presentation), ({ id }) => `${id}.m3u8`));
    const [folder, first = '', trackId, name = '', ...more] = path.split('/');
    if (folder !== FOLDER || more.length > 0) return undefined;
    const streams = streamsOf(carried(presentation));
    const caption = presentation.captions?.find(({ id }) => path === captionPlaylistPath(id));
    if (caption !== undefined) {
      const textUri = `../${transportCaptionPath(caption.id)}`;
      return playlist(subtitlePlaylist(presentationDurationSeconds(presentation), textUri));
    }
    if (trackId === undefined) {
      const stream = streams.find(({ id }) => `${id}.m3u8` === first);
      return stream && playlist(mediaPlaylist(cutsOf(stream), (i) => `${revision}/${stream.id}/${i}.ts`));
    }
    const stream = first === revision ? streams.find(({ id }) => id === trackId) : undefined;
    const index = /^(0|[1-9]\d{0,8})\.ts$/.exec(name)?.[1];
    return stream === undefined || index === undefined ? undefined : segment(stream, Number(index));
  },

  paths({ presentation, revision }: FormatInput): readonly string[] {
    if (!accepts(presentation)) return [];
    const streams = streamsOf(carried(presentation));
    return [
      ENTRY,
      ...streams.map(({ id }) => `${FOLDER}/${id}.m3u8`),
      ...(presentation.captions ?? []).map(({ id }) => captionPlaylistPath(id)),
      ...streams.flatMap((stream) =>
        cutsOf(stream).map((_, index) => `${FOLDER}/${revision}/${stream.id}/${index}.ts`),
      ),
    ];
  },
};

/** Whether picture and sound, as far as there are any, can both be carried. */
function accepts(presentation: Presentation): boolean {
  const kinds = new Set(presentation.tracks.map(({ kind }) => kind));
  return kinds.size > 0 && new Set(carried(presentation).tracks.map(({ kind }) => kind)).size === kinds.size;
}

/** Of each sound the layout that plays everywhere: old devices have two loudspeakers. */
function carried({ tracks, ...others }: Presentation): Presentation {
  const [stereo] = audioGroups(tracks.filter(isAudio).filter(isCarried));
  return { ...others, tracks: [...tracks.filter(isVideo).filter(isCarried), ...(stereo?.members ?? [])] };
}

function captionPlaylistPath(captionId: string): string {
  return `${FOLDER}/${captionId}.m3u8`;
}

/** H.264 and AAC: what old devices decode, and what ADTS can say. */
function isCarried({ codecs }: Track): boolean {
  return /^(avc[13]\.[0-9a-f]{6}|mp4a\.40\.(2|5|29))$/i.test(codecs);
}

/** What one Media Playlist plays. */
type Stream = { readonly id: string; readonly video?: VideoTrack; readonly audio?: AudioTrack };

function streamsOf({ tracks }: Presentation): readonly Stream[] {
  const video = tracks.filter(isVideo);
  const standard = defaultAudio(tracks);
  const muxed = video.map(
    (track): Stream => ({
      id: track.id,
      video: track,
      ...(standard === undefined ? {} : { audio: standard }),
    }),
  );
  const alone = tracks.filter(isAudio).filter((track) => video.length === 0 || track !== standard);
  return [...muxed, ...alone.map((track): Stream => ({ id: track.id, audio: track }))];
}

function cutsOf({ video, audio }: Stream): readonly Cut[] {
  if (video !== undefined) return muxedCuts(video, audio);
  return audio === undefined ? [] : soundCuts(audio);
}

function segment(stream: Stream, index: number): Rewrapped | undefined {
  const { video, audio } = stream;
  const cut = cutsOf(stream)[index];
  if (cut === undefined) return undefined;
  const { videoIndex, audioIndexes, fromTicks, untilTicks } = cut;
  const videoInputs: StoredMedia[] = [];
  if (video !== undefined) videoInputs.push({ trackId: video.id, index: 'init' });
  if (video !== undefined && videoIndex !== undefined)
    videoInputs.push({ trackId: video.id, index: videoIndex });
  const audioInputs: StoredMedia[] =
    audio === undefined
      ? []
      : (['init', ...audioIndexes] as const).map((i) => ({ trackId: audio.id, index: i }));
  return {
    kind: 'rewrapped',
    mediaType: 'video/mp2t',
    inputs: [...videoInputs, ...audioInputs],
    make(inputs) {
      const [videoInit, videoSegment] = inputs.slice(0, videoInputs.length);
      const [audioInit, ...segments] = inputs.slice(videoInputs.length);
      return transportSegment({
        index,
        ...(videoInit && { video: { init: videoInit, ...(videoSegment && { segment: videoSegment }) } }),
        ...(audioInit && { audio: { init: audioInit, segments, fromTicks, untilTicks } }),
      });
    },
  };
}

function playlist(text: string): Manifest {
  return { kind: 'manifest', mediaType: 'application/vnd.apple.mpegurl', text };
}
