/** Codecs of pictures that people's files are in. */
import { AAC, inputs, runFfmpeg, SECONDS } from './kit.ts';
import type { Expected, MediaCase } from './media-case.ts';

export const CODEC_CASES: readonly MediaCase[] = [
  coded('HEVC', 'mp4', '-c:v libx265 -preset ultrafast -tag:v hvc1 -x265-params log-level=none'),
  coded('AV1', 'mp4', '-c:v libsvtav1 -preset 12'),
  coded('VP9', 'webm', '-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -c:a libopus'),
  coded('VP8', 'webm', '-c:v libvpx -deadline realtime -cpu-used 8 -c:a libvorbis'),
  coded('MPEG-1', 'mpg', '-c:v mpeg1video -q:v 3 -c:a mp2'),
  coded('MPEG-2', 'mpg', '-c:v mpeg2video -q:v 3 -bf 2 -c:a mp2 -f vob'),
  coded('MPEG-4 ASP', 'avi', '-c:v mpeg4 -q:v 3 -bf 2 -c:a libmp3lame'),
  coded('H.264 in AVI', 'avi', '-c:v libx264 -preset ultrafast -bf 2 -c:a libmp3lame'),
  coded('ProRes', 'mov', '-c:v prores_ks -profile:v 2 -c:a pcm_s16le'),
  coded('DNxHR', 'mov', '-c:v dnxhd -profile:v dnxhr_sq -pix_fmt yuv422p -c:a pcm_s16le'),
  coded('Motion JPEG', 'avi', '-c:v mjpeg -q:v 3 -pix_fmt yuvj420p -c:a pcm_s16le'),
  coded('FFV1', 'mkv', '-c:v ffv1 -c:a flac'),
  coded('Theora', 'ogv', '-c:v libtheora -q:v 7 -c:a libvorbis'),
  // The sound begins 43 ms before the picture, with what its encoder puts in front.
  coded('Windows Media Video 2', 'wmv', '-c:v wmv2 -q:v 3 -c:a wmav2', {
    seconds: SECONDS + 1 / 25,
    shows: (index) => Math.max(0, index - 1),
    beeps: [0.06, 1.04, 2.04, 3.04, 4.04, 5.04],
  }),
  coded('H.263', '3gp', '-c:v h263 -q:v 3 -vf scale=352:288,setsar=12/11', { size: [384, 288] }),
  coded('Sorenson H.263', 'flv', '-c:v flv -q:v 3 -c:a libmp3lame -ar 44100'),
  coded('DV', 'dv', '-c:v dvvideo -c:a pcm_s16le -pix_fmt yuv420p -vf scale=720:576,setsar=64/45', {
    size: [1024, 576],
  }),
  coded('RealVideo', 'rm', '-c:v rv20 -q:v 3 -vf scale=320:176 -c:a ac3', { size: [320, 176] }),
  coded('PNG', 'mov', '-c:v png -c:a pcm_s16le'),
  coded('raw pictures', 'avi', '-c:v rawvideo -c:a pcm_s16le'),
  coded('GIF', 'gif', '-an', { beeps: 'none' }),
  coded('animated PNG', 'apng', '-an -f apng -plays 0', { beeps: 'none' }),
  coded('animated WebP', 'webp', '-an -c:v libwebp_anim -quality 80 -compression_level 0', { beeps: 'none' }),
];

/** `settings` may name another audio codec: the last one counts. */
function coded(name: string, extension: string, settings: string, expected: Expected = {}): MediaCase {
  return {
    name,
    extension,
    make: (kit, path) =>
      runFfmpeg([...inputs(kit), '-fps_mode', 'passthrough', ...AAC, ...settings.split(' '), path]),
    expected,
  };
}
