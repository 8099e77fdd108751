import { join } from 'node:path';
import { openSqliteCatalog } from '../../src/catalog/sqlite.ts';
import { testUploadRepository } from '../contracts/upload-repository.contract.ts';
import { temporaryFolder } from '../storage/temporary-folder.ts';

testUploadRepository('SQLite', async () => {
  const folder = await temporaryFolder();
  const catalog = await openSqliteCatalog({ file: join(folder.path, 'catalog.db'), now: () => new Date() });
  return {
    uploads: catalog.uploads,
    async [Symbol.asyncDispose]() {
      await catalog.close();
      await folder[Symbol.asyncDispose]();
    },
  };
});
