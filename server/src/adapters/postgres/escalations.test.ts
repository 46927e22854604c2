import { beforeAll } from 'vitest';
import { ESCALATION_TIMES } from '../../domain/escalation-times.ts';
import { testSeal } from '../../keys/test-identities.ts';
import { escalationsContract } from '../../ports/escalations.contract.ts';
import { T } from '../../ports/test-transitions.ts';
import { PostgresAlarmStore } from './alarm-store.ts';
import { escalationRounds } from './escalation-rounds.ts';
import { PostgresEscalationWatch } from './escalation-watch.ts';
import { PostgresEscalations } from './escalations.ts';
import { emptyDatabase, openTestDatabase, type TestDatabase } from './test-database.ts';
import { PostgresWorkflowStore } from './workflow-store.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});

escalationsContract('PostgreSQL', async () => {
  await emptyDatabase(database);
  const now = () => T;
  const workflow = new PostgresWorkflowStore(database);
  for (const [index, name] of ['escalation-high', 'escalation-medium', 'escalation-technical'].entries())
    await workflow.keepDefinition({ name, digest: String(index).repeat(64), source: '{}' });
  const rounds = escalationRounds(database, {
    now,
    times: ESCALATION_TIMES,
    onFailed: (error) => {
      throw error;
    },
  });
  return {
    alarms: new PostgresAlarmStore(database, { now, seal: testSeal(), inTransaction: [rounds.inTransaction] }),
    escalations: new PostgresEscalations(database),
    watch: new PostgresEscalationWatch(database),
    workflow,
  };
});
