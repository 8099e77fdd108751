/** XML that nobody vouches for, as a tree. Nothing outside of the text is ever opened. */
import { SaxesParser } from 'saxes';
import { AppError } from '../../errors.ts';

export type XmlElement = {
  /** Without its namespace prefix. */
  readonly name: string;
  /** By name as written, prefix included. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly XmlElement[];
  /** Its own text, trimmed. */
  readonly text: string;
};

/** An MPD needs about ten. */
const MAX_DEPTH = 40;
const MAX_ELEMENTS = 1_000_000;

type OpenElement = { name: string; attributes: Record<string, string>; children: XmlElement[]; text: string };

/**
 * The root element. Throws `package_invalid` for XML that is not well-formed, too deep or too large, and for
 * any document type declaration: entities that expand without end live there, and no manifest needs one.
 */
export function parseXml(text: string): XmlElement {
  const top: OpenElement = { name: '', attributes: {}, children: [], text: '' };
  const open: OpenElement[] = [top];
  let count = 0;
  const parser = new SaxesParser({ xmlns: false });
  parser.on('error', (error) => {
    throw invalid(
      `it is not well-formed XML (line ${parser.line}, ${error.message.replace(/^[\d:]+\s*/, '')})`,
    );
  });
  parser.on('doctype', () => {
    throw invalid('it has a document type declaration');
  });
  parser.on('opentag', ({ name, attributes }) => {
    count += 1;
    if (open.length > MAX_DEPTH || count > MAX_ELEMENTS) throw invalid('it has too many elements');
    open.push({ name: localName(name), attributes, children: [], text: '' });
  });
  const addText = (part: string): void => {
    const element = open.at(-1);
    if (element !== undefined) element.text += part;
  };
  parser.on('text', addText);
  parser.on('cdata', addText);
  parser.on('closetag', () => {
    const element = open.pop();
    if (element !== undefined) open.at(-1)?.children.push({ ...element, text: element.text.trim() });
  });
  parser.write(text).close();
  const [root] = top.children;
  if (root === undefined) throw invalid('it is empty');
  return root;
}

/** Children of that name, in order. */
export function childrenNamed(element: XmlElement, name: string): XmlElement[] {
  return element.children.filter((child) => child.name === name);
}

/** The first child of that name. */
export function childNamed(element: XmlElement, name: string): XmlElement | undefined {
  return element.children.find((child) => child.name === name);
}

function localName(name: string): string {
  return name.slice(name.indexOf(':') + 1);
}

function invalid(why: string): AppError {
  return new AppError('package_invalid', `this is not an MPD that can be played: ${why}`);
}
