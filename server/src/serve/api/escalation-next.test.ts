import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { EscalationWorld } from '../../domain/escalation.ts';
import { ESCALATION_TIMES } from '../../domain/escalation-times.ts';
import type { AlarmId } from '../../domain/ids.ts';
import { escalationDefinitions } from '../../escalation/definition-files.ts';
import type { ToldRound } from '../../ports/escalations.ts';
import { makeAlarm, NOW, startTestServer, type TestServer } from '../test-server.ts';
import { registerEscalationNext } from './escalation-next.ts';

/** Nobody is there to be told: which step comes, and when, is what is asked. */
const WORLD: EscalationWorld = {
  people: new Map(),
  contacts: new Map(),
  rotas: [],
  quietHours: { users: new Map() },
  house: [],
};

let server: TestServer;
let rounds: ToldRound[] = [];
beforeAll(async () => {
  server = await startTestServer({
    server: {
      plugins: [
        (app) =>
          registerEscalationNext(app, {
            view: () => server.world.view(),
            directory: { worldOf: async () => WORLD },
            escalations: { rounds: async () => rounds },
            alarms: { find: async (id) => server.world.alarms.get(id) },
            definitions: escalationDefinitions(),
            times: ESCALATION_TIMES,
            now: () => NOW,
          }),
      ],
    },
  });
});
afterAll(() => server.stop());
beforeEach(() => {
  server.ringAlarm({ id: 'A1', patientId: 'P1' });
});

const nurse = {
  step: 'nurse',
  repeat: 1,
  atMs: NOW - 60_000,
  untilMs: NOW + 540_000,
  recipients: [],
  warnings: [],
} as const;
const round: ToldRound = {
  alarmId: 'A1' as AlarmId,
  round: 1,
  definition: 'escalation-high',
  priority: 'high',
  fromStep: 'nurse',
  startedBy: 'raised',
  startedAtMs: NOW - 60_000,
  step: 'nurse',
  toldAtMs: NOW - 60_000,
  dueAtMs: NOW + 540_000,
  execution: 'escalation-high:A1.1',
  steps: [nurse],
};

const next = async (role: 'nurse' | 'kiosk' = 'nurse', wards: string[] = []) =>
  server.call('/api/alerts/A1/escalation/next', { token: await server.token(role, wards) });
const firstOf = ({ body }: { body: { steps: { step: string; at: string }[] } }) =>
  `${body.steps[0]?.step} ${body.steps[0]?.at.slice(11, 16)}`;

describe('whom a push would tell', () => {
  it('is said from where the escalation stands, and now: a push waits no longer', async () => {
    rounds = [round];
    expect(firstOf(await next())).toBe('charge-nurse-and-doctor 03:00');
    const second = { ...nurse, step: 'charge-nurse-and-doctor' } as const;
    rounds = [{ ...round, step: 'charge-nurse-and-doctor', steps: [nurse, second] }];
    expect(firstOf(await next())).toBe('on-call 03:00');
  });

  it('begins beyond the nurse where nothing runs', async () => {
    rounds = [];
    expect(firstOf(await next())).toBe('charge-nurse-and-doctor 03:00');
  });

  it('is nobody once somebody has the alarm', async () => {
    server.world.alarms.set('A1' as AlarmId, makeAlarm({ id: 'A1', patientId: 'P1', acknowledgedAtMs: NOW }));
    expect((await next()).body.code).toBe('already-acknowledged');
  });

  it('is for those who may push, in wards they may see', async () => {
    expect((await next('kiosk')).status).toBe(403);
    expect((await next('nurse', ['W2'])).status).toBe(404);
  });
});
