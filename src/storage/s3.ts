/** A bucket as an object store. */
import type { ObjectStore } from './object-store.ts';
import type { S3Place } from './s3-client.ts';
import { getObject, headObject, listObjects } from './s3-read.ts';
import { deleteAll, deleteObject, putObject } from './s3-write.ts';

/** The objects of a bucket, or of a part of it. {@link checkBucket} says first whether it can be used. */
export function s3Store(place: S3Place): ObjectStore {
  return {
    get: (key, options) => getObject(place, key, options),
    head: (key, options) => headObject(place, key, options),
    put: (key, body, options) => putObject(place, key, body, options),
    list: (prefix, options) => listObjects(place, prefix, options),
    delete: (key, options) => deleteObject(place, key, options),
    deletePrefix: (prefix, options) => deleteAll(place, `${place.prefix}${prefix}/`, options),
  };
}
