import { test } from 'node:test';
import { FORMATS } from '../../src/formats/registry.ts';
import type { Presentation } from '../../src/media/presentation.ts';
import { assertGolden } from '../golden-file.ts';
import { audioTrack, captionTrack, film } from './presentations.ts';

const SOUND = [188, 187, 188, 59];

const CASES: Readonly<Record<string, Presentation>> = {
  film,
  'film-without-sound': { tracks: film.tracks.filter((track) => track.kind === 'video') },
  'sound-alone': { tracks: [audioTrack('a1', [188, 187, 40], { isDefault: true })] },
  captions: {
    tracks: film.tracks.slice(2),
    captions: [
      captionTrack('en-0123456789abcdef', { isDefault: true }),
      captionTrack('de-0123456789abcdef', { language: 'de', label: 'Deutsch (CC)', kind: 'captions' }),
      captionTrack('s3-r0123456789', { isForced: true }),
    ],
  },
  'two-languages': {
    tracks: [
      ...film.tracks.slice(0, 1),
      audioTrack('a1', [188, 187, 188, 59], { language: 'en', title: 'English', isDefault: true }),
      audioTrack('a2', [188, 187, 188, 59], {
        language: 'de',
        title: 'Kommentar "lang" & <mehr>',
        channels: 6,
      }),
    ],
  },
  'surround-and-commentary': {
    tracks: [
      ...film.tracks.slice(0, 2),
      audioTrack('a1', SOUND, { language: 'en', isDefault: true, soundId: 'a1' }),
      audioTrack('a2', SOUND, { language: 'fr', soundId: 'a2' }),
      audioTrack('a3', SOUND, { language: 'en', title: 'The director', role: 'commentary' }),
      audioTrack('a4', SOUND, { language: 'en', title: 'Told', role: 'description' }),
      audioTrack('a1s', SOUND, {
        language: 'en',
        isDefault: true,
        soundId: 'a1',
        channels: 6,
        bitrate: { peakBitsPerSecond: 480_000, averageBitsPerSecond: 384_000 },
      }),
    ],
  },
};

for (const [name, presentation] of Object.entries(CASES)) {
  test(`the manifests of ${name} are as they were`, () => {
    const input = { presentation, revision: 'r0123456789' };
    for (const format of FORMATS) {
      for (const path of format.paths(input)) {
        const found = format.resolve(input, path);
        if (found?.kind === 'manifest') assertGolden(`formats/${name}/${path}`, found.text);
      }
    }
  });
}
