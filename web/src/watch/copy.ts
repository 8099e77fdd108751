/**
 * Puts the text of a field on the clipboard, and says whether that worked. The clipboard interface is only there
 * on secure origins, and a home server is often reached by plain http: then the old way.
 */
export async function copyText(field: HTMLInputElement): Promise<boolean> {
  if (navigator.clipboard !== undefined) {
    return navigator.clipboard.writeText(field.value).then(
      () => true,
      () => copySelected(field),
    );
  }
  return copySelected(field);
}

function copySelected(field: HTMLInputElement): boolean {
  field.select();
  return document.execCommand('copy');
}
