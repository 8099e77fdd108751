import { useState } from 'preact/hooks';
import { bytesText, percentText, shareText, timeLeftText } from '../text.ts';
import { Icon, type IconName } from '../ui/icon.tsx';
import { chooseFiles } from './choose-files.ts';
import { isUnderWay, removeUpload, type UploadItem } from './items.ts';
import { addFiles, cancel, pause, resume } from './queue.ts';
import { fingerprintOf } from './remembered.ts';

/** One file: how far it is, and what can be done with it. */
export function UploadRow({ item }: { item: UploadItem }) {
  const { id, name, bytes, sentBytes, state, videoId } = item;
  const [mismatch, setMismatch] = useState<string>();

  const chooseAgain = async () => {
    const [file] = await chooseFiles({ several: false });
    if (file === undefined) return;
    const isSame = fingerprintOf(file) === id;
    setMismatch(isSame ? undefined : `That is another file. Choose ${name} (${bytesText(bytes)}) as it was.`);
    if (isSame) addFiles([file]);
  };
  const fraction = bytes === 0 ? 0 : sentBytes / bytes;
  const isOver = state === 'done' || state === 'failed';
  const main = mainAction(item);
  return (
    <li class="upload-row" data-testid="upload-row" data-state={state} data-name={name}>
      <p class="upload-name" title={name} dir="auto">
        {state === 'done' && videoId !== undefined ? <a href={`/watch/${videoId}`}>{name}</a> : name}
      </p>
      <div class="upload-actions">
        {/* One button, so that the focus stays on it when what it does changes. */}
        {main !== undefined && <Action {...main} />}
        {state === 'done' && videoId !== undefined && (
          <a
            class="watch-link"
            href={`/watch/${videoId}`}
            // Whoever watches it has taken note.
            onClick={() => removeUpload(id)}
            aria-label={`Watch ${name}`}
            data-testid="watch-link"
          >
            <Icon name="play" />
            Watch
          </a>
        )}
        <Action
          icon="close"
          label={isOver ? `Take ${name} off the list` : `Cancel ${name}`}
          testId="cancel"
          onClick={() => void cancel(id)}
        />
      </div>
      {!isOver && (
        <div
          class="meter"
          role="progressbar"
          aria-label={name}
          aria-valuenow={Math.floor(fraction * 100)}
          aria-valuetext={percentText(fraction)}
        >
          <i style={{ scale: `${fraction} 1` }} />
        </div>
      )}
      <p class="upload-status" data-testid="upload-status">
        {mismatch ?? statusText(item)}
      </p>
      {state === 'left' && (
        <button
          class="choose-again"
          type="button"
          onClick={() => void chooseAgain()}
          data-testid="choose-again"
        >
          Choose the file again to go on
        </button>
      )}
    </li>
  );
}

type ActionProps = { icon: IconName; label: string; testId: string; onClick: () => void };

function Action({ icon, label, testId, onClick }: ActionProps) {
  return (
    <button
      class="icon-button"
      type="button"
      aria-label={label}
      title={label}
      onClick={onClick}
      data-testid={testId}
    >
      <Icon name={icon} />
    </button>
  );
}

/** What one does most likely. */
function mainAction(item: UploadItem): ActionProps | undefined {
  const { id, name } = item;
  if (isUnderWay(item)) {
    return { icon: 'pause', label: `Pause ${name}`, testId: 'pause', onClick: () => pause(id) };
  }
  if (item.state === 'paused') {
    return { icon: 'play', label: `Resume ${name}`, testId: 'resume', onClick: () => resume(id) };
  }
  if (item.state === 'failed' && item.canRetry) {
    return { icon: 'retry', label: `Try ${name} again`, testId: 'retry-upload', onClick: () => resume(id) };
  }
  return undefined;
}

function statusText({ state, bytes, sentBytes, bytesPerSecond, message }: UploadItem): string {
  const share = shareText(sentBytes, bytes);
  switch (state) {
    case 'waiting':
      return sentBytes > 0 ? `Waiting · ${share}` : `Waiting · ${bytesText(bytes)}`;
    case 'sending':
      if (sentBytes >= bytes) return `Finishing… · ${bytesText(bytes)}`;
      return [share, ...speedTexts(bytes - sentBytes, bytesPerSecond)].join(' · ');
    case 'interrupted':
      return `${message ?? 'The connection was lost.'} Trying again… · ${share}`;
    case 'paused':
      return `Paused · ${share}`;
    case 'left':
      return `Not finished · ${share}`;
    case 'failed':
      return message ?? 'It could not be uploaded.';
    case 'done':
      return `Uploaded · ${bytesText(bytes)}`;
  }
}

function speedTexts(bytesLeft: number, bytesPerSecond: number | undefined): string[] {
  if (bytesPerSecond === undefined) return [];
  if (bytesPerSecond < 1) return ['stalled'];
  return [`${bytesText(bytesPerSecond)}/s`, timeLeftText(bytesLeft / bytesPerSecond)];
}
