import { consentsContract } from '../../ports/consents.contract.ts';
import { memoryConsents } from './memory-consents.ts';

consentsContract('memory', async () => memoryConsents());
