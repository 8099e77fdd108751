/** Text to read along with a presentation. Not among its tracks: it is not cut into segments, and not encoded. */
import { languageName, UNDETERMINED } from './language.ts';

/** `captions` say what can be heard besides speech, too: for who cannot hear it. */
export type CaptionKind = 'subtitles' | 'captions';

/** One WebVTT text over the whole presentation, from presentation time 0. */
export type CaptionTrack = {
  /** Unique within the Presentation and safe in a URL. Another text has another id. */
  readonly id: string;
  /** BCP 47; `und` where nobody has said. */
  readonly language: string;
  /** What people choose by. */
  readonly label: string;
  readonly kind: CaptionKind;
  /** Shown unless the viewer wants none. */
  readonly isDefault: boolean;
  /** Only what is needed by those who understand the sound: signs, what is said in another language. */
  readonly isForced: boolean;
};

/** The address of a text below `/v/{id}/`. Immutable: another text has another id. */
export function captionPath(id: string): string {
  return `captions/${id}.vtt`;
}

/**
 * The same text for players of transport streams (RFC 8216bis 3.1.4): their clock shows {@link TRANSPORT_START_TICKS}
 * at presentation time 0.
 */
export function transportCaptionPath(id: string): string {
  return `captions/${id}.ts.vtt`;
}

/**
 * Where presentation time 0 lies on the clock of our transport streams, in ticks of 90 kHz: pictures are decoded before
 * they are shown and the clock runs before both, and none of these may be below 0. Apple's tools begin here too.
 */
export const TRANSPORT_START_TICKS = 900_000;

/** What people choose by, where nobody has given it a label. */
export function captionLabel({
  language,
  kind,
  isForced,
}: Pick<CaptionTrack, 'language' | 'kind' | 'isForced'>): string {
  const plain = kind === 'captions' ? 'Captions' : 'Subtitles';
  const name = language === UNDETERMINED ? plain : languageName(language);
  if (isForced) return `${name} (forced)`;
  return kind === 'captions' && name !== plain ? `${name} (CC)` : name;
}
