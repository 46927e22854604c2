import { PostgresAccounts } from '../adapters/postgres/accounts.ts';
import { PostgresAlarmStore } from '../adapters/postgres/alarm-store.ts';
import { PostgresCareTeams } from '../adapters/postgres/care-teams.ts';
import type { Connections } from '../adapters/postgres/connection.ts';
import { PostgresContacts } from '../adapters/postgres/contacts.ts';
import { escalationRounds } from '../adapters/postgres/escalation-rounds.ts';
import { PostgresEscalationWatch } from '../adapters/postgres/escalation-watch.ts';
import { PostgresEscalations } from '../adapters/postgres/escalations.ts';
import type { Listener } from '../adapters/postgres/listener.ts';
import { PostgresOutbox } from '../adapters/postgres/outbox.ts';
import { PostgresRegistry } from '../adapters/postgres/registry.ts';
import { PostgresRotas } from '../adapters/postgres/rotas.ts';
import { PostgresWorkflowStore } from '../adapters/postgres/workflow-store.ts';
import type { Role } from '../domain/access.ts';
import type { AlarmKind, Cause, ConditionTransition, Priority } from '../domain/alarm.ts';
import { ESCALATION_TIMES, type EscalationTimes } from '../domain/escalation-times.ts';
import type { AlarmId, BedId, DeviceId, PatientId, ReadingId, RotaId, UserId, WardId } from '../domain/ids.ts';
import type { PatientStatus } from '../domain/patient-status.ts';
import { testIdentities, testSeal } from '../keys/test-identities.ts';
import type { SystemAlarms } from '../ports/system-alarms.ts';
import { Definitions } from '../workflow/definitions.ts';
import { startWorkflowDriver, type WorkflowDriver } from '../workflow/driver.ts';
import { ESCALATION_FUNCTIONS, escalationFiles, stepsOf } from './definition-files.ts';
import { createStaffDirectory } from './staff-directory.ts';
import { escalationFunctions } from './task-functions.ts';

/** A ward on a real database: a nurse, a charge nurse, a doctor and two on call, each with a mail address. */
export const STAFF: Readonly<Record<string, Role>> = {
  nia: 'nurse',
  chris: 'charge-nurse',
  dora: 'physician',
  otto: 'physician',
  olga: 'physician',
};
export const WARD = 'W3' as WardId;
export const PATIENT = 'P1' as PatientId;

/** A second each: as short as the States Language knows. */
export const QUICK: EscalationTimes = {
  nurseSeconds: 1,
  leadsSeconds: 1,
  onCallSeconds: 1,
  everyoneSeconds: 1,
  mediumSeconds: 1,
  repeatsMax: 2,
};

export type TestWard = Awaited<ReturnType<typeof openTestWard>>;

export async function openTestWard(
  database: Connections,
  listener: Listener,
  options: {
    readonly times?: EscalationTimes;
    readonly seed?: boolean;
    readonly now?: () => number;
    readonly onOrdered?: () => void;
    readonly leaseMs?: number;
  } = {},
) {
  const now = options.now ?? Date.now;
  const accounts = new PostgresAccounts(database);
  const contacts = new PostgresContacts(database);
  const teams = new PostgresCareTeams(database);
  const rotas = new PostgresRotas(database);
  const outbox = new PostgresOutbox(database);
  const workflow = new PostgresWorkflowStore(database);
  const escalations = new PostgresEscalations(database);
  const watch = new PostgresEscalationWatch(database);
  const failures: unknown[] = [];
  const rounds = escalationRounds(database, {
    now,
    times: options.times ?? QUICK,
    onFailed: (error) => void failures.push(error),
  });
  const alarms = new PostgresAlarmStore(database, { now, seal: testSeal(), inTransaction: [rounds.inTransaction] });
  const definitions = new Definitions(workflow);
  await definitions.keep(escalationFiles(), [...ESCALATION_FUNCTIONS]);
  if (options.seed !== false) await seed(database, listener, { accounts, contacts, teams, rotas });

  const directory = createStaffDirectory({
    accounts,
    contacts,
    teams,
    rotas,
    channelTypes: () => new Map([['smtp', 'smtp']]),
    house: () => [],
    now,
  });
  const ringing = new Map<string, string>();
  const systemAlarms: SystemAlarms = {
    raise: ({ id, text }) => void ringing.set(id, text),
    clear: (id) => void ringing.delete(id),
  };
  const statuses = new Map<PatientId, PatientStatus>();
  const parts = {
    alarms,
    escalations,
    orders: outbox,
    workflow,
    directory,
    systemAlarms,
    stepsOf: ladderOf,
    statusOf: (patientId: PatientId) => statuses.get(patientId),
    placeOf: () => ({ wardId: WARD, bedId: 'B1' as BedId, bed: 'W3-01' }),
    onOrdered: options.onOrdered ?? (() => undefined),
    now,
  };
  let driver: WorkflowDriver | undefined;
  let offset = 0;

  return {
    database,
    accounts,
    contacts,
    teams,
    rotas,
    outbox,
    workflow,
    escalations,
    watch,
    rounds,
    alarms,
    directory,
    systemAlarms,
    ringing,
    statuses,
    failures,
    now,
    async startEngine(worker = 'test'): Promise<void> {
      driver = startWorkflowDriver({
        store: workflow,
        definitions,
        handlers: escalationFunctions(parts),
        worker,
        now,
        monotonicMs: () => performance.now(),
        seed: () => [1, 2, 3, 4],
        hooks: { onHandlerError: (_, error) => void failures.push(error) },
        settings: { pollMs: 50, ...(options.leaseMs === undefined ? {} : { leaseMs: options.leaseMs }) },
      });
    },
    async stopEngine(): Promise<void> {
      await driver?.stop();
      driver = undefined;
    },
    /** What a condition does to its alarm; answers with the alarm's id. */
    async condition(kind: ConditionTransition['kind'], over: Partial<Happening> = {}): Promise<AlarmId> {
      offset++;
      const transition = transitionOf(kind, offset, over, now());
      await alarms.apply([transition]);
      return transition.alarmId;
    },
    /** Many at once, each of its own patient. */
    async conditions(all: readonly Partial<Happening>[]): Promise<void> {
      for (let from = 0; from < all.length; from += 500)
        await alarms.apply(all.slice(from, from + 500).map((over) => transitionOf('began', ++offset, over, now())));
    },
    /** Who was told of an alarm, in order, each as `step who`. */
    async told(alarmId: AlarmId): Promise<readonly string[]> {
      const { rows } = await database.pool.query<{ key: string; recipient: string }>(
        'select dedupe_key as key, recipient from delivery where alarm_id = $1 and dedupe_key is not null order by ordered_at, recipient',
        [alarmId],
      );
      return rows.map(({ key, recipient }) => `${stepOf(key)} ${recipient.split('@', 1)[0]}`);
    },
    /** The patient is well, and was heard a moment ago. */
    heard(heartRate: number): void {
      const atMs = now();
      const value = { value: heartRate, atMs, receivedAtMs: atMs, intervalMs: 60_000 };
      statuses.set(PATIENT, { patientId: PATIENT, values: { heartRate: value }, leadsOff: false });
    },
  };
}

interface Happening {
  readonly patientId: PatientId;
  readonly alarmId: string;
  readonly priority: Priority;
  readonly kind: AlarmKind;
  readonly rule: string;
}

function transitionOf(
  kind: ConditionTransition['kind'],
  offset: number,
  over: Partial<Happening>,
  atMs: number,
): ConditionTransition {
  const { patientId = PATIENT, alarmId = 'A1', priority = 'high' } = over;
  const cause: Cause = { vital: 'heartRate', value: 171, comparison: 'above', limit: 160, text: 'HR 171 > 160' };
  return {
    kind,
    patientId,
    rule: over.rule ?? 'heartRate.above.high',
    ruleVersion: 1,
    alarmKind: over.kind ?? 'physiological',
    priority,
    cause,
    readingId: `r${offset}` as ReadingId,
    deviceId: 'D1' as DeviceId,
    atMs,
    alarmId: alarmId as AlarmId,
    position: { partition: 0, offset, step: 0 },
  };
}

function stepOf(key: string): string {
  const [source, , step = ''] = key.split(':');
  return source === 'watchdog' ? 'watchdog' : step;
}

async function seed(
  database: Connections,
  listener: Listener,
  stores: {
    readonly accounts: PostgresAccounts;
    readonly contacts: PostgresContacts;
    readonly teams: PostgresCareTeams;
    readonly rotas: PostgresRotas;
  },
): Promise<void> {
  const { accounts, contacts, teams, rotas } = stores;
  const registry = new PostgresRegistry(database, listener, testIdentities());
  await registry.putWard({ id: WARD, name: 'Ward 3' });
  await registry.putBed({ id: 'B1' as BedId, wardId: WARD, label: 'W3-01' });
  await registry.putPatient({ id: PATIENT, bedId: 'B1' as BedId });
  for (const [name, role] of Object.entries(STAFF)) {
    const id = name as UserId;
    await accounts.putUser({ id, name, displayName: name, roles: [role], wardIds: [] });
    const contact = { userId: id, channel: 'smtp', address: `${name}@ward.example`, atMs: 0 };
    await contacts.put(contact);
    await contacts.vouch({ ...contact, by: 'admin' });
  }
  const assign = (role: 'nurse' | 'charge-nurse' | 'doctor', who: string) =>
    teams.assign({
      id: `assigned-${who}`,
      wardId: WARD,
      role,
      userId: who as UserId,
      bedIds: [],
      patientIds: [],
      fromMs: 0,
      madeBy: 'test',
      madeAtMs: 0,
    });
  await assign('nurse', 'nia');
  await assign('charge-nurse', 'chris');
  await assign('doctor', 'dora');
  await rotas.put({
    rota: {
      id: 'R1' as RotaId,
      name: 'Medicine',
      wardIds: [],
      zone: 'UTC',
      layers: [
        { name: 'first', people: ['otto' as UserId], startsOn: '2026-01-05', handoverAt: '08:00', turnDays: 7 },
        { name: 'second', people: ['olga' as UserId], startsOn: '2026-01-05', handoverAt: '08:00', turnDays: 7 },
      ],
    },
    retired: false,
    by: 'test',
    reason: 'test',
    atMs: 0,
  });
}

const ladders = new Map(escalationFiles().map((file) => [file.name, stepsOf(file)]));
const ladderOf = (definition: string) => ladders.get(definition) ?? [];

/** For tests whose time must not pass. */
export const SLOW: EscalationTimes = ESCALATION_TIMES;
