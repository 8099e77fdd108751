/** MPEG-DASH with CMAF segments (ISO/IEC 23009-1). */
import type { Format, FormatInput, Manifest } from '../format.ts';
import { sharedMedia } from '../shared-media.ts';
import { mpd } from './mpd.ts';

const ENTRY = 'dash/manifest.mpd';

export const dash = {
  name: 'dash',
  entry: ENTRY,

  resolve({ presentation, revision }: FormatInput, path: string): Manifest | undefined {
    if (path !== ENTRY) return undefined;
    return { kind: 'manifest', mediaType: 'application/dash+xml', text: mpd(presentation, revision) };
  },

  paths(): readonly string[] {
    return [ENTRY];
  },

  media: sharedMedia,
} satisfies Format;
