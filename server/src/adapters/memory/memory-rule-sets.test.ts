import { ruleSetsContract } from '../../ports/rule-sets.contract.ts';
import { MemoryRuleSets } from './memory-rule-sets.ts';

ruleSetsContract('memory', async () => {
  const sets = new MemoryRuleSets();
  return { sets, snapshot: () => sets.snapshot() };
});
