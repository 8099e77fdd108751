import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError, type ErrorCode } from '../../src/errors.ts';
import { throughOutages } from '../../src/pipeline/outage.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { rejects } from '../contracts/object-store.contract.ts';

const never = new AbortController().signal;

/** A store that is away for so many questions. */
function awayFor(questions: number): ObjectStore {
  let asked = 0;
  return {
    head: async () => {
      throw new AppError(asked++ < questions ? 'object_store_failed' : 'object_not_found', 'asked');
    },
  } as Partial<ObjectStore> as ObjectStore;
}

test('work that failed because its store is away is done again once it is back', async () => {
  let tries = 0;
  const work = async (): Promise<string> => {
    if (++tries === 1) throw new AppError('source_unreadable', 'the file cannot be read');
    return 'done';
  };
  assert.equal(await throughOutages(awayFor(2), work, never), 'done');
  assert.equal(tries, 2);
});

test('work that fails while its store answers has failed', async () => {
  await rejects(throughOutages(awayFor(0), failWith('source_unreadable'), never), 'source_unreadable');
});

test('what is wrong with the source is not waited for', async () => {
  await rejects(throughOutages(awayFor(1000), failWith('source_damaged'), never), 'source_damaged');
});

test('nobody waits any longer once it is given up', async () => {
  const giveUp = new AbortController();
  const work = async (): Promise<never> => {
    if (giveUp.signal.aborted) throw new AppError('aborted', 'given up');
    throw new AppError('object_store_failed', 'away');
  };
  setTimeout(() => giveUp.abort(), 20);
  await rejects(throughOutages(awayFor(1000), work, giveUp.signal), 'aborted');
});

function failWith(code: ErrorCode): () => Promise<never> {
  return async () => {
    throw new AppError(code, 'on purpose');
  };
}
