/** Three pages, by path. Links are ordinary links; a click on one stays in the page where it can. */
import { signal } from '@preact/signals';

export type Route =
  | { readonly page: 'library' }
  | { readonly page: 'watch'; readonly id: string }
  | { readonly page: 'embed'; readonly id: string }
  | { readonly page: 'missing' };

/** Where we are. Changed by {@link navigate} and by the browser's back and forward. */
export const route = signal<Route>({ page: 'missing' });

/** Whether the current page was reached by a click inside the app: the viewer chose to play it. */
export const cameByClick = signal(false);

/** Which page a path means. */
export function parseRoute(pathname: string): Route {
  if (pathname === '/') return { page: 'library' };
  const match = /^\/(watch|embed)\/([A-Za-z0-9_-]+)\/?$/.exec(pathname);
  const [, page, id] = match ?? [];
  if (id === undefined) return { page: 'missing' };
  return page === 'embed' ? { page, id } : { page: 'watch', id };
}

/** Goes to a path of ours without loading a document. */
export function navigate(path: string): void {
  // Each history entry remembers how far it was scrolled, so that "back" finds the same card again.
  history.replaceState({ ...history.state, scrollY }, '');
  history.pushState({}, '', path);
  enter(true);
  scrollTo(0, 0);
}

/** Follows the address bar and in-app links from now on. */
export function startRouter(): void {
  history.scrollRestoration = 'manual';
  addEventListener('popstate', () => enter(false));
  document.addEventListener('click', onClick);
  enter(false);
}

/** Scrolls to where this history entry was left; for a page to call once its content is there. */
export function restoreScroll(): void {
  const y = (history.state as { scrollY?: number } | null)?.scrollY;
  if (y !== undefined) scrollTo(0, y);
}

function enter(byClick: boolean): void {
  cameByClick.value = byClick;
  route.value = parseRoute(location.pathname);
}

function onClick(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0) return;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = event.target instanceof Element ? event.target.closest('a') : null;
  if (link === null || link.target !== '' || link.hasAttribute('download')) return;
  if (link.origin !== location.origin || parseRoute(link.pathname).page === 'missing') return;
  event.preventDefault();
  if (link.href !== location.href) navigate(link.pathname + link.search);
}
