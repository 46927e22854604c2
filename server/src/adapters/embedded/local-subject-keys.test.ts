import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { subjectKeysContract } from '../../ports/subject-keys.contract.ts';
import { openLocalSubjectKeys } from './local-subject-keys.ts';

subjectKeysContract('a SQLite file', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'healthsync-subject-keys-'));
  const stores: ReturnType<typeof openLocalSubjectKeys>[] = [];
  const again = () => {
    const store = openLocalSubjectKeys(join(folder, 'subject-keys.sqlite'));
    stores.push(store);
    return store;
  };
  return {
    store: again(),
    again,
    close() {
      for (const store of stores) store.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
});
