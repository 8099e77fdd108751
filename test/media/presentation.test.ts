import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultAudio } from '../../src/media/presentation.ts';
import { audioTrack, film } from '../formats/presentations.ts';

const stereo = audioTrack('a1', [10]);
const surround = audioTrack('a1s', [10], { channels: 6, isDefault: true });
const german = audioTrack('a2', [10], { language: 'de', isDefault: true });

test('the sound that plays when nobody chooses is the default one in stereo', () => {
  assert.equal(defaultAudio(film.tracks)?.id, 'a1');
  assert.equal(defaultAudio([surround, stereo, german]), german);
  assert.equal(defaultAudio([surround, stereo]), stereo, 'surround is never forced on anybody');
  assert.equal(defaultAudio([surround]), surround);
  assert.equal(defaultAudio([stereo]), stereo, 'without a default, the first');
  assert.equal(defaultAudio([]), undefined);
});
