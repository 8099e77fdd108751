/** Pure. */

type Item = { readonly id: string };
type Page<T> = { readonly items: readonly T[]; readonly nextCursor?: string };

/**
 * The known list with its head replaced by the newest page: new ones appear, changed ones change, and those
 * that are gone go. What comes after the page stays, with its cursor (`keepsCursor`), as long as the page
 * reaches into the known list; otherwise there is a hole between them, and the list starts over.
 */
export function mergeHead<T extends Item>(
  known: readonly T[],
  page: Page<T>,
): { items: readonly T[]; keepsCursor: boolean } {
  if (page.nextCursor === undefined) return { items: page.items, keepsCursor: false };
  const fresh = new Set(page.items.map(({ id }) => id));
  const overlap = known.findLastIndex(({ id }) => fresh.has(id));
  const tail = overlap < 0 ? [] : known.slice(overlap + 1);
  return { items: [...page.items, ...tail], keepsCursor: tail.length > 0 };
}
