import { useEffect, useRef, useState } from 'preact/hooks';
import type { Video } from '../api.ts';
import { Icon } from '../ui/icon.tsx';
import { copyText } from './copy.ts';

const COPIED_MS = 1800;

/** Addresses to take away. */
export function Share({ video }: { video: Video }) {
  const rows = rowsOf(video);
  return (
    <section class="panel share" aria-labelledby="share-title" data-testid="share">
      <h2 id="share-title">Share</h2>
      {rows.map(({ name, value }) => (
        <CopyRow key={name} name={name} value={value} />
      ))}
    </section>
  );
}

function CopyRow({ name, value }: { name: string; value: string }) {
  const field = useRef<HTMLInputElement>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const [said, setSaid] = useState('');
  useEffect(() => () => clearTimeout(timer.current), []);

  const copy = async () => {
    if (field.current === null) return;
    setSaid((await copyText(field.current)) ? 'Copied' : 'Press Ctrl+C');
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setSaid(''), COPIED_MS);
  };
  const id = `share-${name.toLowerCase().replaceAll(' ', '-')}`;
  return (
    <div class="copy-row">
      <label for={id}>{name}</label>
      <input
        id={id}
        ref={field}
        readOnly
        value={value}
        onFocus={(event) => event.currentTarget.select()}
        data-testid={id}
      />
      <button type="button" aria-label={`Copy ${name}`} onClick={copy} data-testid={`copy-${id}`}>
        <Icon name={said === 'Copied' ? 'check' : 'copy'} />
        <span aria-live="polite">{said === '' ? 'Copy' : said}</span>
      </button>
    </div>
  );
}

function rowsOf({ title, width, height, playback }: Video): { name: string; value: string }[] {
  const rows = [
    { name: 'Link', value: playback.watch },
    { name: 'Embed code', value: embedCode(playback.embed, title, width, height) },
    { name: 'HLS', value: playback.hls },
    { name: 'DASH', value: playback.dash },
    { name: 'HLS for old devices', value: playback.hlsTs },
  ];
  return rows.filter((row): row is { name: string; value: string } => row.value !== undefined);
}

function embedCode(address: string, title: string, width = 16, height = 9): string {
  const attributes = [
    ['src', address],
    ['title', title],
    ['style', `width:100%;aspect-ratio:${width}/${height};border:0`],
    ['allow', 'autoplay; fullscreen; picture-in-picture'],
    ['loading', 'lazy'],
  ];
  const text = attributes.map(([name, value]) => `${name}="${escapeAttribute(value ?? '')}"`).join(' ');
  return `<iframe ${text} allowfullscreen></iframe>`;
}

function escapeAttribute(value: string): string {
  return value
    .replaceAll('&', '&amp;')
    .replaceAll('"', '&quot;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;');
}
