/** Videos for the faked API. */
import type { Video } from '../../web/src/api.ts';
import { STREAM_SECONDS } from './streams.ts';

let made = 0;

/** A finished video of the stream that the id's first part names (`video`, `audio`), changed by `changes`. */
export function makeVideo(base: string, changes: Partial<Video> = {}): Video {
  const id = changes.id ?? `video-${++made}`;
  const at = new Date(Date.now() - made * 3_600_000).toISOString();
  return {
    id,
    title: `Video ${id}`,
    description: '',
    status: 'ready',
    createdAt: at,
    updatedAt: at,
    durationSeconds: STREAM_SECONDS,
    width: 854,
    height: 480,
    frameRate: 25,
    source: {
      name: `${id}.mp4`,
      bytes: 12_345_678,
      origin: 'upload',
      container: 'mov',
      videoCodec: 'h264',
      audioCodecs: ['aac'],
    },
    tracks: [
      { id: 'v480', kind: 'video', label: '480p', codecs: 'avc1.64001e', width: 854, height: 480 },
      { id: 'v240', kind: 'video', label: '240p', codecs: 'avc1.640015', width: 426, height: 240 },
      { id: 'a1', kind: 'audio', label: 'Stereo', codecs: 'mp4a.40.2', channels: 2 },
    ],
    captions: [],
    encodedFraction: 1,
    playback: {
      hls: `${base}/v/${id}/main.m3u8`,
      dash: `${base}/v/${id}/manifest.mpd`,
      poster: `${base}/v/${id}/poster.jpg`,
      watch: `${base}/watch/${id}`,
      embed: `${base}/embed/${id}`,
    },
    ...changes,
  };
}

/** A copy without these playback addresses. */
export function without(video: Video, ...names: ('hls' | 'dash' | 'poster')[]): Video {
  const entries = Object.entries(video.playback).filter(([name]) => !names.includes(name as 'hls'));
  return { ...video, playback: Object.fromEntries(entries) as Video['playback'] };
}

/** A copy without what is unknown until inspection. */
export function uninspected(video: Video): Video {
  const {
    durationSeconds: _1,
    width: _2,
    height: _3,
    frameRate: _4,
    ...known
  } = without(video, 'hls', 'dash', 'poster');
  return {
    ...known,
    source: { name: video.source.name, bytes: 1, origin: video.source.origin },
    tracks: [],
    encodedFraction: 0,
  };
}

/** A copy with sound alone. */
export function soundOnly(video: Video): Video {
  const { width: _1, height: _2, frameRate: _3, ...rest } = video;
  return {
    ...rest,
    source: { name: 'a.m4a', bytes: 1_000_000, origin: 'upload', container: 'mov', audioCodecs: ['aac'] },
    tracks: rest.tracks.filter(({ kind }) => kind === 'audio'),
  };
}
