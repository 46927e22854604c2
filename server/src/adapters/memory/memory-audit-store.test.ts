import { auditStoreContract } from '../../ports/audit-store.contract.ts';
import { MemoryAuditStore } from './memory-audit-store.ts';

auditStoreContract('memory', async () => {
  const store = new MemoryAuditStore();
  return {
    store,
    leave: async (entry) => void store.waiting.push({ id: String(store.waiting.length + 1), entry: entry as never }),
  };
});
