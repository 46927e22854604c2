import { secondFactorsContract } from '../../ports/second-factors.contract.ts';
import { createMemoryAccounts } from './memory-accounts.ts';
import { createMemorySecondFactors } from './memory-second-factors.ts';

secondFactorsContract('memory', async () => ({
  factors: createMemorySecondFactors(),
  accounts: createMemoryAccounts(),
}));
