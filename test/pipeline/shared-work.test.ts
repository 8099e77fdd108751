import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError, isAppError } from '../../src/errors.ts';
import { SharedWork } from '../../src/pipeline/shared-work.ts';

const fail = async (): Promise<string> => Promise.reject(new AppError('source_damaged', 'cut off'));
const gone = () => new AppError('aborted', 'the client went away');

test('those who ask at the same time wait for one piece of work', async () => {
  const shared = new SharedWork<string>();
  const { promise, resolve } = Promise.withResolvers<string>();
  let begun = 0;
  const work = async (): Promise<string> => {
    begun++;
    return promise;
  };
  const { signal } = new AbortController();
  const asked = ['a', 'a', 'b', 'a'].map((key) => shared.result(key, work, signal));
  resolve('done');
  assert.deepEqual(await Promise.all(asked), ['done', 'done', 'done', 'done']);
  assert.equal(begun, 2);
  assert.equal(await shared.result('a', work, signal), 'done');
  assert.equal(begun, 3, 'nothing is kept once it is done');
});

test('one who goes away does not spoil it for the others; with the last one it ends', async () => {
  const shared = new SharedWork<string>();
  const signals: AbortSignal[] = [];
  const work = (signal: AbortSignal): Promise<string> => {
    signals.push(signal);
    return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  };
  const [first, second] = [new AbortController(), new AbortController()];
  const asked = [first, second].map(({ signal }) => shared.result('a', work, signal));
  first.abort(gone());
  await assert.rejects(asked[0]!, (error) => isAppError(error, 'aborted'));
  assert.deepEqual([signals.length, signals[0]?.aborted], [1, false]);
  second.abort(gone());
  await assert.rejects(asked[1]!, (error) => isAppError(error, 'aborted'));
  assert.equal(signals[0]?.aborted, true);

  const third = new AbortController();
  const again = shared.result('a', work, third.signal);
  assert.equal(signals.length, 2, 'whoever comes later begins anew');
  third.abort(gone());
  await assert.rejects(again);
  await assert.rejects(shared.result('a', work, third.signal), (error) => isAppError(error, 'aborted'));
  assert.equal(signals.length, 2);
});

test('what goes wrong is everyone’s, and tried anew by the next', async () => {
  const shared = new SharedWork<string>();
  const { signal } = new AbortController();
  const asked = [1, 2].map(() => shared.result('a', fail, signal));
  for (const one of asked) await assert.rejects(one, (error) => isAppError(error, 'source_damaged'));
  assert.equal(await shared.result('a', async () => 'done', signal), 'done');
});
