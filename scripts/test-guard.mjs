/**
 * Loaded into the process of each test file. Node waits without an end for a process that a test has left something open
 * in, as tests do that time out. Here it ends after a while, and says what was open.
 */
import { after } from 'node:test';

const PATIENCE_MS = 30_000;

if (process.env.NODE_TEST_CONTEXT !== undefined) after(() => void setTimeout(end, PATIENCE_MS).unref());

function end() {
  console.error(`${process.argv[1]} does not end: ${process.getActiveResourcesInfo().join(', ')}`);
  process.exit(1);
}
