import { beforeEach, describe, expect, it } from 'vitest';
import { MemoryAlarmStore } from '../adapters/memory/memory-alarm-store.ts';
import { MemoryEscalations } from '../adapters/memory/memory-escalations.ts';
import { MemoryWorkflowStore } from '../adapters/memory/memory-workflow-store.ts';
import { ESCALATION_TIMES } from '../domain/escalation-times.ts';
import type { AlarmId } from '../domain/ids.ts';
import type { PatientStatus } from '../domain/patient-status.ts';
import { began, ended, P, T } from '../ports/test-transitions.ts';
import { createRereadTask } from './reread-task.ts';

const OF = { alarmId: 'A-1' as AlarmId, round: 1 };
const NOW = T + 5_000;
const WELL: PatientStatus = {
  patientId: P,
  values: { heartRate: { value: 90, atMs: NOW, receivedAtMs: NOW, intervalMs: 1_000 } },
  leadsOff: false,
};

let alarms: MemoryAlarmStore;
let escalations: MemoryEscalations;
let reread: ReturnType<typeof createRereadTask>;
beforeEach(async () => {
  const now = () => NOW;
  const workflow = new MemoryWorkflowStore();
  await workflow.keepDefinition({ name: 'escalation-high', digest: '0', source: '{}' });
  escalations = new MemoryEscalations({ alarms: () => alarms, workflow, times: ESCALATION_TIMES, now });
  alarms = new MemoryAlarmStore({ now, inTransaction: (changes) => escalations.follow(changes) });
  reread = createRereadTask({ alarms, escalations, statusOf: () => WELL, now });
  await alarms.apply([began(1)]);
});
const tellNurse = () =>
  escalations.told({ ...OF, step: 'nurse', repeat: 1, atMs: T, recipients: [], warnings: [], token: 't' });

describe('the vital read again', () => {
  it('that has recovered closes the round, once, with a note', async () => {
    await tellNurse();
    await alarms.apply([ended(2)]);
    expect([await reread(OF), await reread(OF)]).toEqual([{ verdict: 'recovered' }, { verdict: 'recovered' }]);
    expect(await escalations.round(OF)).toMatchObject({ end: 'recovered' });
    expect(await alarms.notes(OF.alarmId)).toHaveLength(1);
  });

  it('that has recovered closes nothing of which nobody was told yet: the engine was away when the nurse was due', async () => {
    await alarms.apply([ended(2)]);
    expect(await reread(OF)).toEqual({ verdict: 'untold' });
    expect((await escalations.round(OF))?.end).toBeUndefined();
  });

  it('that still breaches lets the next step come', async () => {
    await tellNurse();
    expect(await reread(OF)).toEqual({ verdict: 'breaching' });
  });
});
