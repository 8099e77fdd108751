/**
 * How much memory an upload takes, on each way in.
 *
 *   node bench/upload-memory.ts [gigabytes, 5 unless given]
 */
import { serverFolders, startServer } from '../test/e2e/real-server.ts';
import { memoryGrowth, WAYS_IN } from '../test/ingest/large-upload.ts';

const MB = 1024 * 1024;
const gigabytes = Number(process.argv[2] ?? 5);

for (const way of WAYS_IN) {
  await using folders = await serverFolders();
  await using server = await startServer(folders, { SLUICE_PULL_PRIVATE: 'allow', SLUICE_LOG_LEVEL: 'warn' });
  await memoryGrowth(server, way, MB);
  const start = performance.now();
  const growth = await memoryGrowth(server, way, gigabytes * 1024 * MB);
  const seconds = (performance.now() - start) / 1000;
  const rate = (gigabytes * 1024) / seconds;
  console.log(`${way}: ${(growth / MB).toFixed(1)} MB more at most, ${rate.toFixed(0)} MB/s`);
}
