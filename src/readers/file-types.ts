/** What files are, by the extension of their names. Only for names that manifests vouch for, and for listing. */
import type { PackagedTrack } from '../media/package.ts';

const PACKAGE_FILES: Readonly<Record<string, { mediaType: string; container?: PackagedTrack['container'] }>> =
  {
    m3u8: { mediaType: 'application/vnd.apple.mpegurl' },
    mpd: { mediaType: 'application/dash+xml' },
    ts: { mediaType: 'video/mp2t', container: 'mpegts' },
    m2ts: { mediaType: 'video/mp2t', container: 'mpegts' },
    mp4: { mediaType: 'video/mp4', container: 'fmp4' },
    m4v: { mediaType: 'video/mp4', container: 'fmp4' },
    cmfv: { mediaType: 'video/mp4', container: 'fmp4' },
    m4a: { mediaType: 'audio/mp4', container: 'fmp4' },
    cmfa: { mediaType: 'audio/mp4', container: 'fmp4' },
    m4s: { mediaType: 'video/iso.segment', container: 'fmp4' },
    m4f: { mediaType: 'video/iso.segment', container: 'fmp4' },
    cmft: { mediaType: 'application/mp4', container: 'fmp4' },
    dash: { mediaType: 'video/mp4', container: 'fmp4' },
    webm: { mediaType: 'video/webm', container: 'webm' },
    aac: { mediaType: 'audio/aac', container: 'aac' },
    mp3: { mediaType: 'audio/mpeg' },
    ac3: { mediaType: 'audio/ac3' },
    ec3: { mediaType: 'audio/eac3' },
    vtt: { mediaType: 'text/vtt', container: 'webvtt' },
    webvtt: { mediaType: 'text/vtt', container: 'webvtt' },
    ttml: { mediaType: 'application/ttml+xml' },
    jpg: { mediaType: 'image/jpeg' },
    jpeg: { mediaType: 'image/jpeg' },
    png: { mediaType: 'image/png' },
    webp: { mediaType: 'image/webp' },
    json: { mediaType: 'application/json' },
  };

const MEDIA_EXTENSIONS: ReadonlySet<string> = new Set(
  `mp4 m4v mov qt mkv mk3d webm avi divx ts m2ts mts m2t mpg mpeg mpe m1v m2v vob evo flv f4v wmv asf 3gp 3g2
   ogv ogm ogg mxf dv rm rmvb mp3 m4a m4b mp2 aac ac3 eac3 dts flac opus oga wav aif aiff wma mka weba caf`.split(
    /\s+/,
  ),
);

/** In lower case, without the dot; empty for a name without one. */
export function extensionOf(name: string): string {
  const file = name.slice(name.lastIndexOf('/') + 1);
  const dot = file.lastIndexOf('.');
  return dot <= 0 ? '' : file.slice(dot + 1).toLowerCase();
}

/** Never a type that a browser would run: what is not known is only bytes. */
export function packageMediaType(name: string): string {
  return PACKAGE_FILES[extensionOf(name)]?.mediaType ?? 'application/octet-stream';
}

/** How a segment of that name is packed. */
export function packagedContainer(name: string): PackagedTrack['container'] {
  return PACKAGE_FILES[extensionOf(name)]?.container ?? 'other';
}

/** Whether a file of that name may be a video or sound of its own. */
export function hasMediaExtension(name: string): boolean {
  return MEDIA_EXTENSIONS.has(extensionOf(name));
}
