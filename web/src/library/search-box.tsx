import { useEffect, useRef } from 'preact/hooks';
import { Icon } from '../ui/icon.tsx';
import { query } from './store.ts';

const TYPING_PAUSE_MS = 200;

/** Searches as one types; the address keeps the words, so a search can be shared and gone back to. */
export function SearchBox() {
  const input = useRef<HTMLInputElement>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);

  useEffect(() => {
    query.value = new URLSearchParams(location.search).get('q') ?? '';
    if (input.current !== null) input.current.value = query.value;
    return () => clearTimeout(timer.current);
  }, []);

  const search = () => {
    const q = input.current?.value.trim() ?? '';
    if (q === query.value) return;
    query.value = q;
    history.replaceState(history.state, '', q === '' ? '/' : `/?${new URLSearchParams({ q })}`);
  };
  const searchSoon = () => {
    clearTimeout(timer.current);
    timer.current = setTimeout(search, TYPING_PAUSE_MS);
  };

  return (
    <form
      class="search"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        clearTimeout(timer.current);
        search();
      }}
    >
      <Icon name="search" />
      <input
        ref={input}
        type="search"
        placeholder="Search"
        aria-label="Search the library"
        data-testid="search"
        onInput={searchSoon}
      />
    </form>
  );
}
