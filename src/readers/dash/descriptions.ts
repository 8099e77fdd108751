/** What an MPD says of sounds and of texts (ISO/IEC 23009-1 5.8). */
import { canonicalLanguage } from '../../media/language.ts';
import type { PackagedCaption } from '../../media/package.ts';
import { type ListedSound, listedSound, type SoundKeys } from '../sounds.ts';
import type { ParsedAdaptationSet, ParsedRepresentation } from './parse-mpd.ts';

/** All Representations of an AdaptationSet are one sound (5.3.3.1). */
export function soundOf({ representations }: ParsedAdaptationSet, keys: SoundKeys): ListedSound | undefined {
  const [first] = representations;
  if (first === undefined) return undefined;
  const { language, label, codecs, channels } = first;
  const role = roleOf(first);
  const isDefault = first.roles.includes('main') && role === undefined;
  const sound = listedSound({ language, title: label, role, isDefault });
  return keys.apart(sound, '', `${codecs.split('.')[0]} ${channels}`);
}

function roleOf({ roles, isDescription }: ParsedRepresentation): ListedSound['role'] {
  if (isDescription || roles.includes('description')) return 'description';
  return roles.includes('commentary') ? 'commentary' : undefined;
}

/** 5.8.5.5. Whether a text is shown without being asked for, no role says. */
export function captionOf({
  language,
  label,
  roles,
}: ParsedRepresentation): Pick<PackagedCaption, 'language' | 'title' | 'kind' | 'isDefault' | 'isForced'> {
  const tag = canonicalLanguage(language ?? '');
  return {
    ...(tag === undefined ? {} : { language: tag }),
    ...(label === undefined ? {} : { title: label }),
    kind: roles.includes('caption') ? 'captions' : 'subtitles',
    isDefault: false,
    isForced: roles.some((role) => /^forced[-_]subtitle$/.test(role)),
  };
}
