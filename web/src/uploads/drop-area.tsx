import { useEffect, useState } from 'preact/hooks';
import { Icon } from '../ui/icon.tsx';
import { droppedFiles } from './dropped-files.ts';
import { addFiles } from './queue.ts';

/** The whole page takes files that are dropped on it, and shows so while some hang over it. */
export function DropArea() {
  const [isOver, setOver] = useState(false);
  useEffect(() => {
    const lifetime = new AbortController();
    const { signal } = lifetime;
    const listen = (
      type: 'dragenter' | 'dragover' | 'dragleave' | 'drop',
      handle: (event: DragEvent) => void,
    ) => document.addEventListener(type, (event) => hasFiles(event) && handle(event), { signal });

    // Without this the browser would leave the page to show the file, and end what is being uploaded.
    listen('dragover', (event) => event.preventDefault());
    listen('dragenter', () => setOver(true));
    // Each element that is crossed is left; leaving the page has nowhere to go to.
    listen('dragleave', (event) => event.relatedTarget === null && setOver(false));
    listen('drop', (event) => {
      event.preventDefault();
      setOver(false);
      if (event.dataTransfer !== null) void droppedFiles(event.dataTransfer).then(addFiles);
    });
    return () => lifetime.abort();
  }, []);

  if (!isOver) return null;
  return (
    <div class="drop-area" data-testid="drop-area">
      <div>
        <Icon name="upload" />
        <p>Drop to upload</p>
      </div>
    </div>
  );
}

function hasFiles({ dataTransfer }: DragEvent): boolean {
  return dataTransfer?.types.includes('Files') === true;
}
