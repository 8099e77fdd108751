/** Flags of fragment boxes, for the writer and the parser. */

/** `tfhd` (ISO/IEC 14496-12 8.8.7.1). */
export const TFHD = {
  baseDataOffset: 0x000001,
  sampleDescriptionIndex: 0x000002,
  defaultDuration: 0x000008,
  defaultSize: 0x000010,
  defaultFlags: 0x000020,
  defaultBaseIsMoof: 0x020000,
} as const;

/** `trun` (8.8.8.1). */
export const TRUN = {
  dataOffset: 0x000001,
  firstSampleFlags: 0x000004,
  sampleDuration: 0x000100,
  sampleSize: 0x000200,
  sampleFlags: 0x000400,
  compositionOffset: 0x000800,
} as const;

/** sample_depends_on 2: no other sample is needed (8.8.3.1). */
export const SYNC_SAMPLE_FLAGS = 0x02000000;

/** sample_depends_on 1 and sample_is_non_sync_sample. */
export const NON_SYNC_SAMPLE_FLAGS = 0x01010000;

/** sample_is_non_sync_sample. */
export const IS_NON_SYNC = 0x00010000;
