import { signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { route } from '../router.ts';
import { percentText, timeLeftText } from '../text.ts';
import { Icon } from '../ui/icon.tsx';
import { UploadRow } from './dock-row.tsx';
import { announcement, isUnderWay, type UploadItem, uploads } from './items.ts';
import { clearOver } from './queue.ts';

const isOpen = signal(true);

/** What is being uploaded, in a corner of every page. */
export function Dock() {
  const items = uploads.value;
  const { page } = route.value;
  useEffect(() => {
    // Whoever watches wants to see the video; in the library there is room beside it.
    isOpen.value = page !== 'watch';
  }, [page]);

  const canClose = items.every(({ state }) => state === 'done' || state === 'failed');
  return (
    <>
      <p class="visually-hidden" role="status" data-testid="announcement">
        {announcement.value}
      </p>
      {items.length > 0 && (
        <section class="dock" aria-label="Uploads" data-testid="dock" data-open={isOpen.value}>
          <header>
            <button
              class="dock-title"
              type="button"
              aria-expanded={isOpen.value}
              aria-controls="dock-list"
              onClick={() => {
                isOpen.value = !isOpen.value;
              }}
              data-testid="dock-toggle"
            >
              <span data-testid="dock-summary">{summary(items)}</span>
              <Icon name="chevron" />
            </button>
            {canClose && (
              <button
                class="icon-button"
                type="button"
                aria-label="Clear the list"
                onClick={clearOver}
                data-testid="dock-close"
              >
                <Icon name="close" />
              </button>
            )}
          </header>
          {!isOpen.value && <Together items={items} />}
          <ul id="dock-list" hidden={!isOpen.value}>
            {items.map((item) => (
              <UploadRow key={item.id} item={item} />
            ))}
          </ul>
        </section>
      )}
    </>
  );
}

/** One bar for all, while the list is closed. */
function Together({ items }: { items: readonly UploadItem[] }) {
  const running = items.filter(isUnderWay);
  if (running.length === 0) return null;
  return (
    <div class="meter" aria-hidden="true">
      <i style={{ scale: `${fractionOf(running)} 1` }} />
    </div>
  );
}

function summary(items: readonly UploadItem[]): string {
  const running = items.filter(isUnderWay);
  const count = (...states: UploadItem['state'][]) =>
    items.filter(({ state }) => states.includes(state)).length;
  if (running.length > 0) {
    const speed = running.reduce((sum, { bytesPerSecond }) => sum + (bytesPerSecond ?? 0), 0);
    const left = running.reduce((sum, { bytes, sentBytes }) => sum + bytes - sentBytes, 0);
    const time = speed > 0 ? ` · ${timeLeftText(left / speed)}` : '';
    return `Uploading ${counted(running.length)} · ${percentText(fractionOf(running))}${time}`;
  }
  if (count('paused') > 0) return `${counted(count('paused'))} paused`;
  if (count('left') > 0) return `${counted(count('left'))} not finished`;
  if (count('failed') > 0) return `${counted(count('failed'))} failed`;
  return `${counted(count('done'))} uploaded`;
}

function fractionOf(items: readonly UploadItem[]): number {
  const total = items.reduce((sum, { bytes }) => sum + bytes, 0);
  return total === 0 ? 0 : items.reduce((sum, { sentBytes }) => sum + sentBytes, 0) / total;
}

function counted(count: number): string {
  return count === 1 ? '1 file' : `${count} files`;
}
