import { join } from 'node:path';
import { openSqliteCatalog } from '../../src/catalog/sqlite.ts';
import { testChunkRepository } from '../contracts/chunk-repository.contract.ts';
import { temporaryFolder } from '../storage/temporary-folder.ts';

testChunkRepository('SQLite', async () => {
  const folder = await temporaryFolder();
  const catalog = await openSqliteCatalog({ file: join(folder.path, 'catalog.db'), now: () => new Date() });
  return {
    ...catalog,
    close: async () => {
      await catalog.close();
      await folder[Symbol.asyncDispose]();
    },
  };
});
