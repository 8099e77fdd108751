/** XML 1.0 text from nested elements. */

export type Attributes = Readonly<Record<string, string | number | undefined>>;

/** `<name key="value">children</name>`, indented; attributes that are undefined are left out. */
export function element(name: string, attributes: Attributes, children: readonly string[] = []): string {
  const list = Object.entries(attributes).flatMap(([key, value]) =>
    value === undefined ? [] : [` ${key}="${escapeXml(String(value))}"`],
  );
  const open = `<${name}${list.join('')}`;
  if (children.length === 0) return `${open}/>`;
  const inner = children.map((child) => `  ${child.replaceAll('\n', '\n  ')}`);
  return [`${open}>`, ...inner, `</${name}>`].join('\n');
}

/** An element that holds nothing but text. */
export function textElement(name: string, text: string): string {
  return `<${name}>${escapeXml(text)}</${name}>`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
};

/** XML 1.0 2.2: control characters and the last two code points may not appear at all, not even escaped. */
function escapeXml(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(/[\p{Cc}\ufffe\uffff]+/gu, ' ')
    .replaceAll(/[&<>"]/g, (character) => ENTITIES[character] ?? character);
}
