/** A playable video as plain values: eight seconds at 24000/1001 frames a second, with two sounds. */
import type { Presentation } from '../../src/media/presentation.ts';
import type { SourceInfo } from '../../src/media/source.ts';
import { rational } from '../../src/media/time.ts';

const frameRate = rational(24_000, 1001);

export const presentation: Presentation = {
  tracks: [
    {
      kind: 'video',
      id: 'v480',
      label: '480p',
      codecs: 'avc1.64001e',
      timescale: 24_000,
      bitrate: { averageBitsPerSecond: 1_000_000, peakBitsPerSecond: 1_500_000 },
      segments: [
        { index: 0, startTicks: 0, durationTicks: 96_096 },
        { index: 1, startTicks: 96_096, durationTicks: 96_096 },
      ],
      width: 1126,
      height: 480,
      frameRate,
    },
    {
      kind: 'audio',
      id: 'a1',
      label: 'Stereo',
      codecs: 'mp4a.40.2',
      timescale: 48_000,
      bitrate: { averageBitsPerSecond: 128_000, peakBitsPerSecond: 160_000 },
      segments: [{ index: 0, startTicks: 0, durationTicks: 384_000 }],
      channels: 2,
      sampleRate: 48_000,
      language: 'en',
      isDefault: true,
    },
  ],
};

const span = { timeBase: rational(1, 1000), startTicks: 0, endTicks: 8008 };

export const sourceInfo: SourceInfo = {
  container: 'matroska',
  bytes: 1234,
  video: {
    ...span,
    streamIndex: 0,
    codec: 'h264',
    pixelFormat: 'yuv420p',
    codedWidth: 1920,
    codedHeight: 818,
    displayWidth: 1920,
    displayHeight: 818,
    rotationDegrees: 0,
    isMirrored: false,
    sampleAspectRatio: rational(1),
    frameRate,
    isVariableFrameRate: false,
    isInterlaced: false,
    color: { range: 'tv', primaries: 'bt709', transfer: 'bt709', matrix: 'bt709' },
  },
  audio: [
    { ...span, streamIndex: 1, codec: 'ac3', channels: 6, sampleRate: 48_000, isDefault: true },
    { ...span, streamIndex: 2, codec: 'aac', channels: 2, sampleRate: 44_100, isDefault: false },
  ],
};
