/** Which entries of a CODECS list (RFC 6381) are picture and which are sound. */

const VIDEO = /^(avc[1-4]|hvc1|hev1|dvh1|dvhe|dva1|dvav|av01|vp08|vp09|vp8|vp9|vvc1|vvi1|mp4v)/i;
const AUDIO = /^(mp4a|ac-3|ec-3|ac-4|opus|flac|alac|vorbis|dts[cehlxy-]|mp3)/i;

/** Entries of a CODECS list by what they decode to. */
export type CodecLists = { readonly video: readonly string[]; readonly audio: readonly string[] };

/** Splits `avc1.64001f,mp4a.40.2`; entries that are neither (captions) are left out. */
export function splitCodecs(codecs: string): CodecLists {
  const entries = codecs
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
  return {
    video: entries.filter((entry) => VIDEO.test(entry)),
    audio: entries.filter((entry) => AUDIO.test(entry)),
  };
}
