import { useRef, useState } from 'preact/hooks';
import { ApiError, putCaptions, type Video } from '../api.ts';
import { Dialog } from '../ui/dialog.tsx';
import { announcement } from '../uploads/items.ts';
import { languageOfFile, LANGUAGES, ownLanguage } from './languages.ts';

const OTHER = 'other';

type AddCaptionsProps = { video: Video; onChanged: () => void; onClose: () => void };

/** Asks for a file and its language, and sends it. */
export function AddCaptions({ video, onChanged, onClose }: AddCaptionsProps) {
  const form = useRef<HTMLDivElement>(null);
  const [language, setLanguage] = useState(ownLanguage);
  const [problem, setProblem] = useState<string>();
  const [isBusy, setBusy] = useState(false);
  const field = <T extends HTMLElement>(name: string) => form.current?.querySelector<T>(`[name=${name}]`);
  const textOf = (name: string) => field<HTMLInputElement>(name)?.value.trim() ?? '';
  const isChecked = (name: string) => field<HTMLInputElement>(name)?.checked === true;
  const isReplacing = video.captions.some((each) => each.origin === 'uploaded' && each.language === language);

  const submit = async () => {
    const file = field<HTMLInputElement>('file')?.files?.[0];
    const tag = language === OTHER ? textOf('tag') : language;
    if (file === undefined) return setProblem('Choose a file first.');
    if (tag === '') return setProblem('Say which language it is in.');
    setBusy(true);
    setProblem(undefined);
    try {
      const edit = { label: textOf('label'), isForDeaf: isChecked('deaf'), isDefault: isChecked('default') };
      const { label } = await putCaptions(video.id, tag, file, edit);
      announcement.value = `${label} was added.`;
      onChanged();
      onClose();
    } catch (error) {
      setProblem(error instanceof ApiError ? error.message : String(error));
      setBusy(false);
    }
  };

  return (
    <Dialog title="Add captions" onClose={onClose} onSubmit={() => void submit()} testId="captions-dialog">
      <div ref={form}>
        <p>A file of WebVTT or SubRip, in any encoding.</p>
        <label class="field">
          File
          <input
            name="file"
            type="file"
            accept=".vtt,.srt,text/vtt,application/x-subrip"
            autofocus
            onChange={(event) => {
              const name = event.currentTarget.files?.[0]?.name ?? '';
              setLanguage(languageOfFile(name) ?? language);
            }}
            data-testid="captions-file"
          />
        </label>
        <label class="field">
          Language
          <select
            value={language}
            onChange={(event) => setLanguage(event.currentTarget.value)}
            data-testid="captions-language"
          >
            {LANGUAGES.map(({ tag, name }) => (
              <option key={tag} value={tag}>
                {name}
              </option>
            ))}
            <option value={OTHER}>Another…</option>
          </select>
        </label>
        {language === OTHER && (
          <label class="field">
            Language tag
            <input
              name="tag"
              type="text"
              autocomplete="off"
              spellcheck={false}
              placeholder="gsw, en-AU, zh-Hant-HK"
              maxLength={35}
              data-testid="captions-tag"
            />
          </label>
        )}
        <label class="field">
          Label
          <input
            name="label"
            type="text"
            autocomplete="off"
            maxLength={100}
            placeholder="The name of the language"
            data-testid="captions-label"
          />
        </label>
        <label class="check">
          <input name="deaf" type="checkbox" data-testid="captions-deaf" />
          For the hard of hearing: they say what can be heard besides speech
        </label>
        <label class="check">
          <input name="default" type="checkbox" data-testid="captions-default" />
          Show them unless the viewer chooses otherwise
        </label>
        {isReplacing && <p>These take the place of the ones that are there in this language.</p>}
        <p class="problem" role="alert" data-testid="captions-problem">
          {problem}
        </p>
      </div>
      <div class="dialog-buttons">
        <button class="button quiet" type="button" onClick={onClose}>
          Cancel
        </button>
        <button class="button" type="submit" disabled={isBusy} data-testid="captions-add">
          {isBusy ? 'Adding…' : 'Add'}
        </button>
      </div>
    </Dialog>
  );
}
