/** Where a bucket is, and how to be let in. */
export type BucketSettings = {
  readonly bucket: string;
  /** Keys begin with this and a `/`; '' for the whole bucket. */
  readonly prefix: string;
  /** Absent: Amazon's, for the region. */
  readonly endpoint?: string;
  readonly region: string;
  /** `https://host/bucket/key` rather than `https://bucket.host/key`. */
  readonly isPathStyle: boolean;
  /** Absent: what the machine says (the role of an instance or a container, a profile). */
  readonly credentials?: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken?: string;
  };
};
