import { useState } from 'preact/hooks';
import { ApiError, type Caption, deleteCaptions, isReadyMade, onThisOrigin, type Video } from '../api.ts';
import { Dialog } from '../ui/dialog.tsx';
import { Icon } from '../ui/icon.tsx';
import { announcement } from '../uploads/items.ts';
import { AddCaptions } from './add-captions.tsx';
import { nameOf } from './languages.ts';

type CaptionsProps = { video: Video; onChanged: () => void };

/** The captions of a video: what there is, adding and removing. */
export function Captions({ video, onChanged }: CaptionsProps) {
  const [isAdding, setAdding] = useState(false);
  const [leaving, setLeaving] = useState<Caption>();
  const isPackage = isReadyMade(video);
  if (isPackage && video.captions.length === 0) return null;
  return (
    <section class="panel captions" aria-labelledby="captions-title" data-testid="captions-panel">
      <h2 id="captions-title">Captions</h2>
      {video.captions.length > 0 && (
        <ul>
          {video.captions.map((caption) => (
            <Row key={caption.url} caption={caption} onRemove={() => setLeaving(caption)} />
          ))}
        </ul>
      )}
      {!isPackage && (
        <button class="text-button" type="button" onClick={() => setAdding(true)} data-testid="add-captions">
          <Icon name="plus" />
          Add captions
        </button>
      )}
      {isAdding && <AddCaptions video={video} onChanged={onChanged} onClose={() => setAdding(false)} />}
      {leaving !== undefined && (
        <Removal
          video={video}
          caption={leaving}
          onChanged={onChanged}
          onClose={() => setLeaving(undefined)}
        />
      )}
    </section>
  );
}

function Row({ caption, onRemove }: { caption: Caption; onRemove: () => void }) {
  const { label, language, kind, origin, isDefault, isForced, url } = caption;
  const name = nameOf(language);
  const about = [
    ...(label === name ? [] : [name]),
    ...(kind === 'captions' ? ['for the hard of hearing'] : []),
    ...(isForced && !/forced/i.test(label) ? ['forced'] : []),
    ...(isDefault ? ['shown by default'] : []),
    ...(origin === 'source' ? ['from the source'] : []),
  ];
  return (
    <li data-testid="caption">
      <span>
        <b lang={language} dir="auto">
          {label}
        </b>
        {about.length > 0 && <small>{about.join(' · ')}</small>}
      </span>
      <a
        class="icon-button"
        href={onThisOrigin(url) ?? url}
        download={`${language}.vtt`}
        aria-label={`Download ${label}`}
        title="Download"
      >
        <Icon name="download" />
      </a>
      {origin === 'uploaded' && (
        <button
          class="icon-button"
          type="button"
          onClick={onRemove}
          aria-label={`Remove ${label}`}
          title="Remove"
          data-testid="remove-captions"
        >
          <Icon name="trash" />
        </button>
      )}
    </li>
  );
}

type RemovalProps = CaptionsProps & { caption: Caption; onClose: () => void };

function Removal({ video, caption, onChanged, onClose }: RemovalProps) {
  const [problem, setProblem] = useState<string>();
  const [isBusy, setBusy] = useState(false);
  const remove = async () => {
    setBusy(true);
    setProblem(undefined);
    try {
      await deleteCaptions(video.id, caption.language);
      announcement.value = `${caption.label} was removed.`;
      onChanged();
      onClose();
    } catch (error) {
      setProblem(error instanceof ApiError ? error.message : String(error));
      setBusy(false);
    }
  };
  return (
    <Dialog
      title="Remove these captions?"
      onClose={onClose}
      onSubmit={() => void remove()}
      testId="remove-captions-dialog"
    >
      <p>
        <b dir="auto">{caption.label}</b> will no longer be offered. The video itself stays as it is.
      </p>
      <p class="problem" role="alert">
        {problem}
      </p>
      <div class="dialog-buttons">
        <button class="button quiet" type="button" autofocus onClick={onClose}>
          Keep them
        </button>
        <button class="button danger" type="submit" disabled={isBusy} data-testid="remove-captions-confirm">
          {isBusy ? 'Removing…' : 'Remove'}
        </button>
      </div>
    </Dialog>
  );
}
