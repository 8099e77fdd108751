/** Captions: an AdaptationSet for each, whose one Representation is a file (ISO/IEC 23009-1 5.3.9.1, 5.8.5.5). */
import { captionPath, type CaptionTrack } from '../../media/captions.ts';
import { UNDETERMINED } from '../../media/language.ts';
import { type Attributes, element, textElement } from './xml.ts';

/** 5.3.5.2: a bandwidth must be said; more than speech has. */
const BITS_PER_SECOND = 1000;

/** What an AdaptationSet of captions is made of. */
export function captionSet(caption: CaptionTrack): { attributes: Attributes; children: readonly string[] } {
  const { id, language, label, isDefault } = caption;
  return {
    attributes: {
      contentType: 'text',
      mimeType: 'text/vtt',
      lang: language === UNDETERMINED ? undefined : language,
    },
    children: [
      textElement('Label', label),
      role(roleOf(caption)),
      ...(isDefault ? [role('main')] : []),
      element('Representation', { id, bandwidth: BITS_PER_SECOND }, [
        textElement('BaseURL', `../${captionPath(id)}`),
      ]),
    ],
  };
}

/** 5.8.5.5, table 34 */
function roleOf({ kind, isForced }: CaptionTrack): string {
  if (isForced) return 'forced-subtitle';
  return kind === 'captions' ? 'caption' : 'subtitle';
}

/** 5.8.5.5 */
export function role(value: string): string {
  return element('Role', { schemeIdUri: 'urn:mpeg:dash:role:2011', value });
}
