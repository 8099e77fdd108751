/** The store on a bucket, on a real S3 server. */
import { after, before, describe } from 'node:test';
import { s3Store } from '../../src/storage/s3.ts';
import { s3Place } from '../../src/storage/s3-client.ts';
import { testObjectStore } from '../contracts/object-store.contract.ts';
import { type S3Server, s3ServerSkip, startS3Server } from './s3-server.ts';

describe('on a real server', { skip: s3ServerSkip() }, () => {
  let server: S3Server;
  before(async () => {
    server = await startS3Server();
  });
  after(() => server[Symbol.asyncDispose]());

  testObjectStore('a bucket', async () => {
    const place = s3Place(await server.bucket());
    return { store: s3Store(place), [Symbol.asyncDispose]: async () => place[Symbol.dispose]() };
  });
});
