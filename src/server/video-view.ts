/** A video as the JSON API shows it. */
import { z } from 'zod';
import { VIDEO_STATUSES, type Video } from '../catalog/video.ts';
import {
  type Presentation,
  type Track,
  isVideo,
  presentationDurationSeconds,
} from '../media/presentation.ts';
import { type Rational, toNumber } from '../media/time.ts';
import type { VideoService } from '../pipeline/services.ts';
import { CaptionJson, viewCaption } from './caption-view.ts';
import { encodePath } from './playback-path.ts';
import { ERROR_CODES } from './problems.ts';
import { VIDEO_EXAMPLE } from './video-example.ts';

const Bitrates = {
  averageBitsPerSecond: z.number().meta({ description: 'What the track usually needs.' }),
  peakBitsPerSecond: z.number().meta({ description: 'No segment needs more, on average over its duration.' }),
};

const TrackIdentity = {
  id: z.string().meta({ description: 'Unique within the video; part of its media addresses.' }),
  label: z.string().meta({ description: 'What people choose by.' }),
  codecs: z.string().meta({ description: 'The codecs parameter of RFC 6381.' }),
  ...Bitrates,
};

const VideoTrackJson = z.object({
  kind: z.literal('video'),
  ...TrackIdentity,
  width: z.int().meta({ description: 'Pixels.' }),
  height: z.int().meta({ description: 'Pixels.' }),
  frameRate: z.number().meta({ description: 'Frames a second, rounded to a thousandth.' }),
});

const AudioTrackJson = z.object({
  kind: z.literal('audio'),
  ...TrackIdentity,
  channels: z.int(),
  sampleRate: z.int().meta({ description: 'Samples a second.' }),
  language: z
    .string()
    .optional()
    .meta({ description: 'A BCP 47 tag; absent where the source does not say.' }),
  title: z.string().optional().meta({ description: 'As the source names it.' }),
  isDefault: z
    .boolean()
    .meta({ description: 'Of the sound that plays when nobody chooses, in each layout.' }),
  role: z
    .enum(['commentary', 'description'])
    .optional()
    .meta({ description: 'Absent for main sound. `description` is for people who do not see the picture.' }),
  soundId: z
    .string()
    .optional()
    .meta({ description: 'Tracks with the same are one sound in several layouts: stereo and 5.1.' }),
});

const TrackJson = z.discriminatedUnion('kind', [VideoTrackJson, AudioTrackJson]).meta({
  id: 'Track',
  description: 'One quality of the picture, or one sound in one layout.',
});

const SourceJson = z.object({
  name: z.string().meta({ description: 'The path below the library folder, or the uploaded file name.' }),
  bytes: z.int(),
  origin: z.enum(['library', 'upload']).meta({
    description:
      '`library`: a file of the library folder, which is never written to, so `DELETE` refuses it. `upload`: bytes that were sent or fetched.',
  }),
  container: z.string().optional().meta({
    description: 'What holds the source: FFmpeg’s name of it, or `hls` or `dash` for a ready-made package.',
  }),
  videoCodec: z.string().optional().meta({ description: 'FFmpeg’s name.' }),
  audioCodecs: z
    .array(z.string())
    .optional()
    .meta({ description: 'FFmpeg’s names, one for each audio track.' }),
});

const PlaybackJson = z
  .object({
    hls: z.url().optional().meta({ description: 'HLS Multivariant Playlist (RFC 8216).' }),
    dash: z.url().optional().meta({ description: 'DASH MPD (ISO/IEC 23009-1).' }),
    mp4: z
      .array(
        z.object({
          quality: z.string().meta({ description: 'What people choose by: `480p`, or `audio`.' }),
          url: z.url().meta({ description: 'With `?download` behind it, a browser saves it.' }),
        }),
      )
      .optional()
      .meta({
        description:
          'Each quality as one progressive MP4 file, best first: only those of which every segment is stored.',
      }),
    hlsTs: z.url().optional().meta({ description: 'HLS with MPEG-TS segments, for old devices.' }),
    poster: z.url().optional().meta({
      description: 'A still picture, JPEG. Another choice has another address.',
    }),
    storyboard: z.url().optional().meta({
      description: 'Small pictures for the seek bar: WebVTT with `#xywh=` (Media Fragments URI).',
    }),
    watch: z.url().meta({ description: 'A page to watch the video on.' }),
    embed: z
      .url()
      .meta({ description: 'A page with the player alone, to be put into an iframe on any site.' }),
  })
  .meta({ description: 'Absolute addresses. What does not exist (yet) is absent; what is there works.' });

/** The schema of a video's status. */
export const VideoStatusJson = z.enum(VIDEO_STATUSES as ['uploading', ...Video['status'][]]).meta({
  description:
    '`uploading`, `inspecting`, then `playable` (every address works, encoding goes on), then `ready` (every segment is stored); or `failed`, with `error`.',
});

/** The schema of a video in the API's answers. */
export const VideoJson = z
  .object({
    id: z.string().meta({ description: '`vid_` and 32 hex digits. Sorts by creation.' }),
    title: z.string(),
    description: z.string(),
    status: VideoStatusJson,
    error: z
      .object({ code: z.enum(ERROR_CODES), message: z.string() })
      .optional()
      .meta({ description: 'Why `status` is `failed`; absent otherwise.' }),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
    durationSeconds: z.number().optional().meta({ description: 'Absent until inspected.' }),
    width: z.int().optional().meta({ description: 'Of the picture as people see it, in pixels.' }),
    height: z.int().optional().meta({ description: 'Of the picture as people see it, in pixels.' }),
    frameRate: z.number().optional().meta({ description: 'Frames a second, rounded to a thousandth.' }),
    source: SourceJson,
    tracks: z
      .array(TrackJson)
      .meta({ description: 'What can be played, best picture first. Empty until inspected.' }),
    captions: z.array(CaptionJson).meta({ description: 'Text to read along, in the order of menus.' }),
    encodedFraction: z.number().min(0).max(1).meta({
      description: 'How much of all segments is stored, 0 to 1. Playing does not wait for it.',
    }),
    visibility: z.enum(['public', 'private']),
    metadata: z.record(z.string(), z.string()).meta({ description: 'Whatever users keep with the video.' }),
    playback: PlaybackJson,
  })
  .meta({
    id: 'Video',
    description: 'One source and everything that can be played of it.',
    examples: [VIDEO_EXAMPLE],
  });

/** {@link Video} in the API's answers. */
export type VideoJson = z.infer<typeof VideoJson>;

/** The JSON of a video. `baseUrl` is what absolute addresses start with, without a slash at the end. */
export function viewVideo(video: Video, videos: VideoService, baseUrl: string): VideoJson {
  const presentation = videos.presentation(video);
  return {
    id: video.id,
    title: video.title,
    description: video.description,
    status: video.status,
    ...(video.error === undefined ? {} : { error: video.error }),
    createdAt: video.createdAt.toISOString(),
    updatedAt: video.updatedAt.toISOString(),
    ...(presentation === undefined ? {} : { durationSeconds: presentationDurationSeconds(presentation) }),
    ...viewPicture(video, presentation),
    source: viewSource(video),
    tracks: (presentation?.tracks ?? []).map(viewTrack),
    captions: videos.captions(video).map((caption) => viewCaption(video.id, caption, baseUrl)),
    encodedFraction: videos.encodedFraction(video),
    visibility: video.visibility,
    metadata: { ...video.metadata },
    playback: viewPlayback(video, videos, baseUrl),
  };
}

function viewPicture(
  { content }: Video,
  presentation: Presentation | undefined,
): Pick<VideoJson, 'width' | 'height' | 'frameRate'> {
  if (content?.kind === 'media' && content.source.video !== undefined) {
    const { displayWidth, displayHeight, frameRate } = content.source.video;
    return { width: displayWidth, height: displayHeight, frameRate: roundRate(frameRate) };
  }
  const best = presentation?.tracks.find(isVideo);
  return best === undefined
    ? {}
    : { width: best.width, height: best.height, frameRate: roundRate(best.frameRate) };
}

function viewSource({ source, content }: Video): VideoJson['source'] {
  const { name, bytes, origin } = source;
  if (content === undefined) return { name, bytes, origin };
  if (content.kind === 'package') return { name, bytes, origin, container: content.package.format };
  const { container, video, audio } = content.source;
  return {
    name,
    bytes,
    origin,
    container,
    ...(video === undefined ? {} : { videoCodec: video.codec }),
    audioCodecs: audio.map((track) => track.codec),
  };
}

function viewTrack(track: Track): VideoJson['tracks'][number] {
  const { id, label, codecs, bitrate } = track;
  const { averageBitsPerSecond, peakBitsPerSecond } = bitrate;
  const shared = { id, label, codecs, averageBitsPerSecond, peakBitsPerSecond };
  if (isVideo(track)) {
    const { kind, width, height, frameRate } = track;
    return { kind, ...shared, width, height, frameRate: roundRate(frameRate) };
  }
  const { kind, channels, sampleRate, language, title, isDefault, role, soundId } = track;
  return {
    kind,
    ...shared,
    channels,
    sampleRate,
    ...(language === undefined ? {} : { language }),
    ...(title === undefined ? {} : { title }),
    isDefault,
    ...(role === undefined ? {} : { role }),
    ...(soundId === undefined ? {} : { soundId }),
  };
}

function viewPlayback(video: Video, videos: VideoService, baseUrl: string): VideoJson['playback'] {
  const { mp4, ...paths } = videos.playback(video);
  const urlOf = (path: string): string => {
    const [before = '', query] = path.split('?');
    return `${baseUrl}/v/${video.id}/${encodePath(before)}${query === undefined ? '' : `?${query}`}`;
  };
  const urls = Object.entries(paths).map(([name, path]) => [name, urlOf(path)]);
  return {
    ...Object.fromEntries(urls),
    ...(mp4 === undefined ? {} : { mp4: mp4.map(({ quality, path }) => ({ quality, url: urlOf(path) })) }),
    watch: `${baseUrl}/watch/${video.id}`,
    embed: `${baseUrl}/embed/${video.id}`,
  };
}

/** 23.976 rather than 23.976023976023978: what people know the rate by. */
function roundRate(rate: Rational): number {
  return Math.round(toNumber(rate) * 1000) / 1000;
}
