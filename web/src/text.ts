/** How numbers are shown to people. Pure. */

/** `1:02:03`, `4:05`; the nearest whole second, but never 0:00 for something that lasts. */
export function durationText(seconds: number): string {
  const whole = Math.max(seconds > 0 ? 1 : 0, Math.round(seconds));
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  const rest = String(whole % 60).padStart(2, '0');
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${rest}` : `${minutes}:${rest}`;
}

/** `1 hour 2 minutes 3 seconds`: what a screen reader should say for a duration. */
export function spokenDuration(seconds: number): string {
  const whole = Math.round(seconds);
  const parts: [number, string][] = [
    [Math.floor(whole / 3600), 'hour'],
    [Math.floor((whole % 3600) / 60), 'minute'],
    [whole % 60, 'second'],
  ];
  const spoken = parts.filter(([n]) => n > 0).map(([n, unit]) => `${n} ${unit}${n === 1 ? '' : 's'}`);
  return spoken.join(' ') || '0 seconds';
}

/** `12.3 MB`, in powers of 1000 as disks are sold and as browsers show downloads. */
export function bytesText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** `12.3 MB of 45.6 MB`. */
export function shareText(part: number, whole: number): string {
  return `${bytesText(part)} of ${bytesText(whole)}`;
}

/** `42%`; 100% only for all of it, and never 0% for something. */
export function percentText(fraction: number): string {
  const percent = Math.floor(fraction * 100);
  return `${fraction > 0 ? Math.min(100, Math.max(1, percent)) : 0}%`;
}

/** `a few seconds left`, `40 s left`, `4 min left`, `2 h 5 min left`: coarse, so that it does not jump about. */
export function timeLeftText(seconds: number): string {
  if (seconds < 5) return 'a few seconds left';
  if (seconds < 55) return `${Math.ceil(seconds / 5) * 5} s left`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${Math.max(1, minutes)} min left`;
  if (minutes >= 48 * 60) return 'more than two days left';
  const rest = minutes % 60 === 0 ? '' : ` ${minutes % 60} min`;
  return `${Math.floor(minutes / 60)} h${rest} left`;
}

/** `4K`, `1080p`, `480p`: the name people know a picture size by. The shorter side counts, so portrait too. */
export function resolutionText(width: number, height: number): string {
  const side = Math.min(width, height);
  const long = Math.max(width, height);
  if (side >= 4320) return '8K';
  if (side >= 2160 || long >= 3840) return '4K';
  return `${side}p`;
}

/** `23.976`, `25`, `59.94`. */
export function frameRateText(framesPerSecond: number): string {
  return String(Number(framesPerSecond.toFixed(3)));
}

/** `just now`, `5 minutes ago`, `yesterday`, and for more than a month the date. */
export function agoText(date: Date, now: Date): string {
  const seconds = (now.getTime() - date.getTime()) / 1000;
  if (seconds < 45) return 'just now';
  const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
  if (seconds < 45 * 60) return relative.format(-Math.max(1, Math.round(seconds / 60)), 'minute');
  if (seconds < 22 * 3600) return relative.format(-Math.max(1, Math.round(seconds / 3600)), 'hour');
  if (seconds < 30 * 86_400) return relative.format(-Math.max(1, Math.round(seconds / 86_400)), 'day');
  return date.toLocaleDateString('en', { year: 'numeric', month: 'short', day: 'numeric' });
}

/** `The file is empty.` for `the file is empty`: the server's reasons are clauses, for logs and for programs. */
export function sentence(clause: string): string {
  const end = /[.!?…]$/.test(clause) ? '' : '.';
  return clause.charAt(0).toUpperCase() + clause.slice(1) + end;
}

const CODEC_NAMES: Readonly<Record<string, string>> = {
  aac: 'AAC',
  ac3: 'AC-3',
  av1: 'AV1',
  eac3: 'E-AC-3',
  flac: 'FLAC',
  h264: 'H.264',
  hevc: 'HEVC',
  mp3: 'MP3',
  mpeg2video: 'MPEG-2',
  mpeg4: 'MPEG-4 Part 2',
  opus: 'Opus',
  prores: 'ProRes',
  vorbis: 'Vorbis',
  vp8: 'VP8',
  vp9: 'VP9',
};

/** `H.264` for FFmpeg's `h264`; unknown names as they are. */
export function codecText(codec: string): string {
  return CODEC_NAMES[codec] ?? codec.toUpperCase();
}

const CONTAINER_NAMES: Readonly<Record<string, string>> = {
  avi: 'AVI',
  dash: 'DASH package',
  flv: 'FLV',
  hls: 'HLS package',
  matroska: 'Matroska',
  mov: 'MP4',
  mpegts: 'MPEG-TS',
  ogg: 'Ogg',
  webm: 'WebM',
};

/** `Matroska` for FFmpeg's `matroska`; unknown names as they are. */
export function containerText(container: string): string {
  return CONTAINER_NAMES[container] ?? container.toUpperCase();
}
