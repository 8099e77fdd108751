import { test } from 'node:test';
import { startEngine } from '../../src/engine/supervisor.ts';
import { descendantsOf, until } from '../e2e/real-server.ts';

const SPARES = 1;
const PINGS_AT_ONCE = 4;

test('no more children are kept ready than there are to be, however many worked at once', async () => {
  await using engine = startEngine({ spares: SPARES, idleMs: 1000 });
  const pings = Array.from({ length: PINGS_AT_ONCE }, () => engine.ping(new AbortController().signal));
  await Promise.all(pings);
  await until('the others have ended', 10_000, () =>
    descendantsOf(process.pid).length === SPARES ? true : undefined,
  );
});
