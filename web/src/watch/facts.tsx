import type { Video } from '../api.ts';
import { bytesText, codecText, containerText, durationText, frameRateText, resolutionText } from '../text.ts';

/** What is known of the source. What is not known is left out. */
export function Facts({ video }: { video: Video }) {
  const facts = factsOf(video);
  return (
    <dl class="facts" data-testid="facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function factsOf(video: Video): [string, string][] {
  const { width, height, frameRate, durationSeconds, source, tracks } = video;
  const audio = source.audioCodecs ?? [];
  const rungs = tracks.filter(({ kind }) => kind === 'video').map(({ label }) => label);
  const facts: [string, string | undefined][] = [
    ['Duration', durationSeconds === undefined ? undefined : durationText(durationSeconds)],
    ['Resolution', width && height ? `${width} × ${height} (${resolutionText(width, height)})` : undefined],
    ['Frame rate', frameRate === undefined ? undefined : `${frameRateText(frameRate)} fps`],
    ['Qualities', rungs.length > 1 ? rungs.join(', ') : undefined],
    ['Video codec', source.videoCodec === undefined ? undefined : codecText(source.videoCodec)],
    ['Audio codec', audio.length > 0 ? [...new Set(audio.map(codecText))].join(', ') : undefined],
    ['Container', source.container === undefined ? undefined : containerText(source.container)],
    ['Size', source.bytes > 0 ? bytesText(source.bytes) : undefined],
    ['File', source.name],
  ];
  return facts.filter((fact): fact is [string, string] => fact[1] !== undefined);
}
