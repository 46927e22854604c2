import { ESCALATION_TIMES } from '../../domain/escalation-times.ts';
import { escalationsContract } from '../../ports/escalations.contract.ts';
import { T } from '../../ports/test-transitions.ts';
import { MemoryAlarmStore } from './memory-alarm-store.ts';
import { MemoryEscalations } from './memory-escalations.ts';
import { MemoryWorkflowStore } from './memory-workflow-store.ts';

escalationsContract('memory', async () => {
  const now = () => T;
  const workflow = new MemoryWorkflowStore();
  for (const [index, name] of ['escalation-high', 'escalation-medium', 'escalation-technical'].entries())
    await workflow.keepDefinition({ name, digest: String(index).repeat(64), source: '{}' });
  const escalations = new MemoryEscalations({ alarms: () => alarms, workflow, times: ESCALATION_TIMES, now });
  const alarms = new MemoryAlarmStore({ now, inTransaction: (changes) => escalations.follow(changes) });
  return { alarms, escalations, watch: escalations, workflow };
});
