import { EmbedPage } from './embed/page.tsx';
import { LibraryPage } from './library/page.tsx';
import { route } from './router.ts';
import { Header } from './ui/header.tsx';
import { KeyDialog } from './ui/key-dialog.tsx';
import { Notice } from './ui/notice.tsx';
import { useTitle } from './ui/use-title.ts';
import { Dock } from './uploads/dock.tsx';
import { DropArea } from './uploads/drop-area.tsx';
import { WatchPage } from './watch/page.tsx';

/** The page that the address asks for. */
export function App() {
  const current = route.value;
  if (current.page === 'embed') return <EmbedPage id={current.id} />;
  return (
    <>
      <a class="skip" href="#main">
        Skip to content
      </a>
      <Header />
      <main id="main" tabIndex={-1}>
        {current.page === 'library' && <LibraryPage />}
        {/* A key, so that another video is another page: no state of the last one may leak into it. */}
        {current.page === 'watch' && <WatchPage key={current.id} id={current.id} />}
        {current.page === 'missing' && <MissingPage />}
      </main>
      <Dock />
      <DropArea />
      <KeyDialog />
    </>
  );
}

function MissingPage() {
  useTitle('Not found');
  return (
    <Notice title="There is nothing here" text="The address may be mistyped, or what it named is gone.">
      <a class="button" href="/">
        To the library
      </a>
    </Notice>
  );
}
