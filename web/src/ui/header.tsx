import { route } from '../router.ts';
import { SearchBox } from '../library/search-box.tsx';
import { UploadButtons } from '../uploads/upload-buttons.tsx';
import { Logo } from './logo.tsx';

/** The bar on top of every page but the embedded player. */
export function Header() {
  return (
    <header class="bar">
      <a class="brand" href="/" aria-label="Sluice, to the library">
        <Logo />
        <span>Sluice</span>
      </a>
      {route.value.page === 'library' && <SearchBox />}
      <UploadButtons />
    </header>
  );
}
