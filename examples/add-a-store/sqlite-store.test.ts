import { join } from 'node:path';
import { testObjectStore } from '../../test/contracts/object-store.contract.ts';
import { temporaryFolder } from '../../test/storage/temporary-folder.ts';
import { sqliteStore } from './sqlite-store.ts';

testObjectStore('an SQLite file', async () => {
  const folder = await temporaryFolder();
  const store = sqliteStore(join(folder.path, 'objects.sqlite'));
  return {
    store,
    async [Symbol.asyncDispose]() {
      store[Symbol.dispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
});
