/** Small strict readers of manifests, written from the standards and not from our writers. */
import assert from 'node:assert/strict';
import type { Segment } from '../../src/media/presentation.ts';

export type Playlist = {
  readonly targetDuration: number;
  readonly map: string | undefined;
  readonly durations: readonly number[];
  readonly segments: readonly string[];
  readonly media: readonly Attributes[];
  readonly variants: readonly { readonly attributes: Attributes; readonly uri: string }[];
  readonly iFrameStreams: readonly Attributes[];
  readonly isIFramesOnly: boolean;
};

type Attributes = Readonly<Record<string, string | undefined>>;

/** An attribute list as RFC 8216bis 4.2 defines it; anything else fails. */
function readAttributes(list: string): Attributes {
  const pattern = /([A-Z0-9-]+)=("[^"\r\n]*"|[^",\s]+)(?:,|$)/y;
  const found: [string, string][] = [];
  while (pattern.lastIndex < list.length) {
    const at = pattern.lastIndex;
    const match = pattern.exec(list);
    assert.ok(match?.[1] && match[2], `not an attribute list from ${at}: ${list}`);
    found.push([match[1], match[2]]);
  }
  assert.equal(new Set(found.map(([name]) => name)).size, found.length, 'an attribute appears twice');
  return Object.fromEntries(found);
}

/** Any playlist. Unknown lines fail, so that nothing can be smuggled in. */
export function readPlaylist(text: string): Playlist {
  const lines = text.split('\n');
  assert.equal(lines.shift(), '#EXTM3U');
  assert.equal(lines.pop(), '');
  const playlist = {
    targetDuration: 0,
    map: undefined as string | undefined,
    durations: [] as number[],
    segments: [] as string[],
    media: [] as Attributes[],
    variants: [] as { attributes: Attributes; uri: string }[],
    iFrameStreams: [] as Attributes[],
    isIFramesOnly: false,
  };
  let variant: Attributes | undefined;
  for (const line of lines) {
    const [, name = '', value = ''] = /^#([A-Z0-9-]+)(?::(.*))?$/u.exec(line) ?? [];
    if (name === 'EXT-X-TARGETDURATION') playlist.targetDuration = Number(value);
    else if (name === 'EXTINF') playlist.durations.push(Number(/^(\d+\.\d+),$/.exec(value)?.[1]));
    else if (name === 'EXT-X-MAP') playlist.map = readAttributes(value)['URI'];
    else if (name === 'EXT-X-MEDIA') playlist.media.push(readAttributes(value));
    else if (name === 'EXT-X-I-FRAME-STREAM-INF') playlist.iFrameStreams.push(readAttributes(value));
    else if (name === 'EXT-X-I-FRAMES-ONLY') playlist.isIFramesOnly = true;
    else if (name === 'EXT-X-STREAM-INF') variant = readAttributes(value);
    else if (name === '' && variant !== undefined) {
      playlist.variants.push({ attributes: variant, uri: line });
      variant = undefined;
    } else if (name === '') playlist.segments.push(line);
    else assert.ok(KNOWN_TAGS.includes(name), `unexpected line: ${line}`);
  }
  assert.equal(playlist.segments.length, playlist.durations.length);
  return playlist;
}

const KNOWN_TAGS = [
  'EXT-X-VERSION',
  'EXT-X-INDEPENDENT-SEGMENTS',
  'EXT-X-MEDIA-SEQUENCE',
  'EXT-X-PLAYLIST-TYPE',
  'EXT-X-ENDLIST',
];

export function unquote(value: string | undefined): string {
  const [, inner] = /^"(.*)"$/.exec(value ?? '') ?? [];
  assert.ok(inner !== undefined, `not a quoted string: ${value}`);
  return inner;
}

export type ReadRepresentation = {
  readonly id: string;
  readonly timescale: number;
  readonly initialization: string;
  readonly media: readonly string[];
  readonly segments: readonly Segment[];
  /** Of the set: the id of the set that it is trick play of. */
  readonly trickPlayOf: string | undefined;
  readonly bandwidth: number;
};

/** The Representations of an MPD whose SegmentTemplates are inside them. Malformed XML fails. */
export function readMpd(text: string): readonly ReadRepresentation[] {
  const sets = allElements(parseXml(text), 'AdaptationSet');
  return sets.flatMap((set) =>
    allElements(set, 'Representation').map((representation) => readRepresentation(set, representation)),
  );
}

function readRepresentation(set: XmlElement, representation: XmlElement): ReadRepresentation {
  const [essential] = allElements(set, 'EssentialProperty');
  if (essential !== undefined)
    assert.equal(attribute(essential, 'schemeIdUri'), 'http://dashif.org/guidelines/trickmode');
  const id = attribute(representation, 'id');
  const [template] = allElements(representation, 'SegmentTemplate');
  assert.ok(template);
  const first = Number(attribute(template, 'startNumber'));
  const expand = (pattern: string, number: number) =>
    pattern.replaceAll('$RepresentationID$', id).replaceAll('$Number$', String(number));
  const segments: Segment[] = [];
  let startTicks = 0;
  for (const entry of allElements(template, 'S')) {
    startTicks = Number(entry.attributes['t'] ?? startTicks);
    const durationTicks = Number(attribute(entry, 'd'));
    for (let repeat = Number(entry.attributes['r'] ?? 0); repeat >= 0; repeat--) {
      segments.push({ index: segments.length, startTicks, durationTicks });
      startTicks += durationTicks;
    }
  }
  return {
    id,
    timescale: Number(attribute(template, 'timescale')),
    initialization: expand(attribute(template, 'initialization'), 0),
    media: segments.map(({ index }) => expand(attribute(template, 'media'), first + index)),
    segments,
    trickPlayOf: essential === undefined ? undefined : attribute(essential, 'value'),
    bandwidth: Number(attribute(representation, 'bandwidth')),
  };
}

type XmlElement = { readonly name: string; readonly attributes: Attributes; readonly children: XmlElement[] };

function parseXml(text: string): XmlElement {
  const root: XmlElement = { name: '', attributes: {}, children: [] };
  const open = [root];
  // Text is skipped, but may hold no markup.
  const token = /(?:<\?xml[^>]*\?>|[^<>]+|<(\/?)([A-Za-z]+)((?: [a-zA-Z]+="[^"<>]*")*)(\/?)>)/y;
  while (token.lastIndex < text.length) {
    const at = token.lastIndex;
    const match = token.exec(text);
    assert.ok(match && token.lastIndex > at, `not XML from ${at}: ${text.slice(at, at + 80)}`);
    const [, isEnd, name, list = '', isEmpty] = match;
    assert.doesNotMatch(match[0], /&(?!(?:amp|lt|gt|quot);)/);
    if (name === undefined) continue;
    if (isEnd === '/') assert.equal(open.pop()?.name, name);
    else {
      const pairs = [...list.matchAll(/ ([a-zA-Z]+)="([^"]*)"/g)].map(([, key = '', value = '']) => [
        key,
        value,
      ]);
      const found: XmlElement = { name, attributes: Object.fromEntries(pairs) as Attributes, children: [] };
      open.at(-1)?.children.push(found);
      if (isEmpty !== '/') open.push(found);
    }
  }
  assert.deepEqual(open, [root]);
  return root;
}

function allElements(parent: XmlElement, name: string): readonly XmlElement[] {
  return parent.children.flatMap((child) => (child.name === name ? [child] : allElements(child, name)));
}

function attribute(found: XmlElement, name: string): string {
  const value = found.attributes[name];
  assert.ok(value !== undefined, `<${found.name}> has no ${name}`);
  return value;
}
