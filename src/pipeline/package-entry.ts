import type { PackageInfo } from '../media/package.ts';

const DASH_MEDIA_TYPE = 'application/dash+xml';

/** The path of the package's manifest of this format, below its root; undefined if it does not come in it. */
export function packageEntry(info: PackageInfo, format: string): string | undefined {
  if (info.format === format) return info.entry;
  // An MPD beside the playlists of the same media (docs/decisions/022). The other way round does not occur.
  return format === 'dash'
    ? info.files.find(({ mediaType }) => mediaType === DASH_MEDIA_TYPE)?.path
    : undefined;
}
