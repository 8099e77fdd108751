import { useSignalEffect } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { restoreScroll } from '../router.ts';
import { Notice } from '../ui/notice.tsx';
import { warmUp } from '../ui/player.tsx';
import { useTitle } from '../ui/use-title.ts';
import { VideoCard } from './card.tsx';
import { followLibrary } from './live.ts';
import { failure, hasMore, isLoadingMore, loadMore, query, refresh, videos } from './store.ts';

/** Every video, newest first. New ones appear by themselves. */
export function LibraryPage() {
  useTitle(undefined);
  useLibrary();
  const known = videos.value;
  useEffect(() => {
    if (known !== undefined) restoreScroll();
    // Once, when the first cards are there: later news must not move the page under the reader.
  }, [known === undefined]);

  if (known === undefined) return failure.value === undefined ? <Skeleton /> : <Unreachable />;
  if (known.length === 0) return query.value === '' ? <Empty /> : <NoMatch />;
  return (
    <div class="library">
      <h1 class="visually-hidden">Library</h1>
      {failure.value !== undefined && (
        <p class="stale" role="status">
          {failure.value} Trying again…
        </p>
      )}
      <ul class="grid" data-testid="library" onPointerOver={warmUp} onFocusCapture={warmUp}>
        {known.map((video) => (
          <VideoCard key={video.id} video={video} />
        ))}
      </ul>
      {hasMore.value && <More />}
    </div>
  );
}

/** Fetches at once and whenever the query changes; news come by themselves. */
function useLibrary(): void {
  useSignalEffect(() => {
    const controller = new AbortController();
    void query.value;
    void refresh(controller.signal);
    return () => controller.abort();
  });
  useEffect(followLibrary, []);
}

/** A button that presses itself when it comes into view. */
function More() {
  const button = useRef<HTMLButtonElement>(null);
  const lifetime = useRef(new AbortController());
  const more = () => void loadMore(lifetime.current.signal);

  useEffect(() => {
    const observer = new IntersectionObserver(
      (entries) => {
        if (entries.some((entry) => entry.isIntersecting)) more();
      },
      { rootMargin: '600px' },
    );
    if (button.current !== null) observer.observe(button.current);
    return () => observer.disconnect();
    // Observed anew after each page, since a button that stays in view tells nothing new.
  }, [videos.value?.length]);
  useEffect(() => () => lifetime.current.abort(), []);

  return (
    <button
      ref={button}
      class="button more"
      type="button"
      onClick={more}
      disabled={isLoadingMore.value}
      data-testid="more"
    >
      {isLoadingMore.value ? 'Loading…' : 'Show more'}
    </button>
  );
}

function Skeleton() {
  return (
    <div class="library" aria-busy="true" aria-label="Loading the library">
      <ul class="grid" aria-hidden="true">
        {Array.from({ length: 8 }, (_, i) => (
          <li class="card skeleton" key={i}>
            <div class="picture" />
            <div class="line" />
            <div class="line short" />
          </li>
        ))}
      </ul>
    </div>
  );
}

function Empty() {
  return (
    <Notice
      icon="folder"
      title="No videos yet"
      text={
        <>
          Drop videos here, choose them with <b>Upload</b>, or put them into the <code>assets</code> folder.
          Each can be watched as soon as it is there.
        </>
      }
    />
  );
}

function NoMatch() {
  return (
    <Notice
      icon="search"
      title="Nothing found"
      text={
        <>
          No video matches <q>{query.value}</q>.
        </>
      }
    />
  );
}

function Unreachable() {
  return (
    <Notice icon="alert" title="The library cannot be shown" text={failure.value} isError>
      <button
        class="button"
        type="button"
        onClick={() => void refresh(new AbortController().signal)}
        data-testid="retry"
      >
        Try again
      </button>
    </Notice>
  );
}
