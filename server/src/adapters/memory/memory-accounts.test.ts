import { accountsContract } from '../../ports/accounts.contract.ts';
import { createMemoryAccounts } from './memory-accounts.ts';

accountsContract('memory', async () => createMemoryAccounts());
