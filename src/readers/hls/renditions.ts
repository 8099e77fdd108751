/** What `#EXT-X-MEDIA` says of sounds and of texts (RFC 8216bis 4.4.6.1). */
import type { PackagedCaption } from '../../media/package.ts';
import { canonicalLanguage } from '../../media/language.ts';
import { type ListedSound, listedSound, type SoundKeys } from '../sounds.ts';
import type { Rendition } from './parse-playlist.ts';

/** A sound, and how it is told from others of its group. */
export function soundOf({ attributes, groupId }: Rendition, keys: SoundKeys): ListedSound {
  const sound = listedSound({
    language: attributes.get('LANGUAGE'),
    title: attributes.get('NAME'),
    role: has(attributes, 'public.accessibility.describes-video') ? 'description' : undefined,
    isDefault: attributes.get('DEFAULT') === 'YES',
  });
  return keys.apart(sound, groupId, attributes.get('CHANNELS') ?? '');
}

/** What people choose a text by. */
export function captionOf({
  attributes,
}: Rendition): Pick<PackagedCaption, 'language' | 'title' | 'kind' | 'isDefault' | 'isForced'> {
  const language = canonicalLanguage(attributes.get('LANGUAGE') ?? '');
  const title = attributes.get('NAME')?.trim() || undefined;
  return {
    ...(language === undefined ? {} : { language }),
    ...(title === undefined ? {} : { title }),
    kind: has(attributes, 'public.accessibility.transcribes-spoken-dialog') ? 'captions' : 'subtitles',
    isDefault: attributes.get('DEFAULT') === 'YES',
    isForced: attributes.get('FORCED') === 'YES',
  };
}

function has(attributes: ReadonlyMap<string, string>, characteristic: string): boolean {
  return (attributes.get('CHARACTERISTICS') ?? '')
    .split(',')
    .some((one) => one.trim().toLowerCase() === characteristic);
}
