import { workflowStoreContract } from '../../ports/workflow-store.contract.ts';
import { MemoryWorkflowStore } from './memory-workflow-store.ts';

workflowStoreContract('memory', async () => new MemoryWorkflowStore());
