import { useState } from 'preact/hooks';
import { Icon } from '../ui/icon.tsx';
import { chooseFiles } from './choose-files.ts';
import { LinkDialog } from './link-dialog.tsx';
import { addFiles } from './queue.ts';

/** The two ways in that need no dragging: files of this machine, and a link. */
export function UploadButtons() {
  const [isAsking, setAsking] = useState(false);
  return (
    <div class="ways-in">
      <button
        class="round-button"
        type="button"
        aria-label="Add from a link"
        title="Add from a link"
        onClick={() => setAsking(true)}
        data-testid="add-link"
      >
        <Icon name="link" />
      </button>
      <button
        class="button upload"
        type="button"
        aria-label="Upload videos"
        onClick={() => void chooseFiles({ several: true }).then(addFiles)}
        data-testid="upload"
      >
        <Icon name="upload" />
        <span>Upload</span>
      </button>
      {isAsking && <LinkDialog onClose={() => setAsking(false)} />}
    </div>
  );
}
