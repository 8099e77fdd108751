/**
 * The form in which texts are compared by the search: databases differ in what they know of letters beyond
 * ASCII (SQLite's `lower` and `like` know none), so it is made here.
 *
 * Case is dropped, compatible characters are one (NFKC: a file name from macOS comes decomposed), and any white
 * space is one space, so that no folded text contains a line break or NUL.
 */
export function fold(text: string): string {
  const oneCase = text.normalize('NFKC').toLowerCase();
  // Only the end of a word has this form of sigma, and a part of a word may end anywhere.
  const oneSigma = oneCase.replaceAll('ς', 'σ');
  return oneSigma.replaceAll(/[\s\0]+/g, ' ');
}

/** A LIKE pattern (with `escape '\'`) that finds exactly the texts that contain `part`, folded. */
export function likePattern(part: string): string {
  return `%${fold(part).replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;
}
