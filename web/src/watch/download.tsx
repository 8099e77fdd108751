import { onThisOrigin, type Video } from '../api.ts';
import { Icon } from '../ui/icon.tsx';

/** Each quality as a file, as soon as all of it is there. */
export function Download({ video }: { video: Video }) {
  const files = video.playback.mp4 ?? [];
  if (files.length === 0) return null;
  return (
    <section class="panel download" aria-labelledby="download-title" data-testid="download">
      <h2 id="download-title">Download</h2>
      <ul>
        {files.map(({ quality, url }) => (
          <li key={quality}>
            <a href={`${onThisOrigin(url)}?download`} download data-testid={`download-${quality}`}>
              <Icon name="download" />
              {quality === 'audio' ? 'Audio' : quality}
            </a>
          </li>
        ))}
      </ul>
    </section>
  );
}
