/** The memory of the server does not grow with the file. With 5 GB: bench/upload-memory.ts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serverFolders, startServer } from '../e2e/real-server.ts';
import { memoryGrowth, WAYS_IN } from './large-upload.ts';

const MB = 1024 * 1024;

for (const way of WAYS_IN) {
  test(`300 MB by ${way} take 60 MB at most`, {
    skip: process.platform !== 'linux',
    timeout: 180_000,
  }, async () => {
    await using folders = await serverFolders();
    await using server = await startServer(folders, {
      SLUICE_PULL_PRIVATE: 'allow',
      SLUICE_LOG_LEVEL: 'warn',
    });
    // So that the code is there.
    await memoryGrowth(server, way, MB);
    const growth = await memoryGrowth(server, way, 300 * MB);
    assert.ok(growth <= 60 * MB, `${Math.round(growth / MB)} MB more`);
  });
}
