import { randomUUID } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { PostgresAccounts } from '../adapters/postgres/accounts.ts';
import { PostgresCareTeams } from '../adapters/postgres/care-teams.ts';
import { connect } from '../adapters/postgres/connection.ts';
import { PostgresContacts } from '../adapters/postgres/contacts.ts';
import { escalationRounds } from '../adapters/postgres/escalation-rounds.ts';
import { PostgresEscalationWatch } from '../adapters/postgres/escalation-watch.ts';
import { PostgresEscalations } from '../adapters/postgres/escalations.ts';
import type { Listener } from '../adapters/postgres/listener.ts';
import type { Database } from '../adapters/postgres/open-database.ts';
import { PostgresOutbox } from '../adapters/postgres/outbox.ts';
import { PostgresRotas } from '../adapters/postgres/rotas.ts';
import { PostgresWorkflowStore } from '../adapters/postgres/workflow-store.ts';
import type { EscalationTimes } from '../domain/escalation-times.ts';
import type { PatientId, TenantId } from '../domain/ids.ts';
import type { PatientStatus } from '../domain/patient-status.ts';
import { unansweredId } from '../escalation/close-task.ts';
import {
  ESCALATION_FUNCTIONS,
  escalationDefinitions,
  escalationFiles,
  stepsOf,
} from '../escalation/definition-files.ts';
import { watchHeartbeat } from '../escalation/heartbeat-watch.ts';
import { startHeldTellings } from '../escalation/held-tellings.ts';
import { watchRotas } from '../escalation/rota-watch.ts';
import { createStaffDirectory, type StaffDirectory, type StaffSources } from '../escalation/staff-directory.ts';
import { escalationFunctions } from '../escalation/task-functions.ts';
import { startWatchdog, WATCHDOG_HEARTBEAT, WATCHDOG_SETTINGS } from '../escalation/watchdog.ts';
import type { RegistryView } from '../identity/registry-view.ts';
import type { Accounts } from '../ports/accounts.ts';
import type { AlarmStore } from '../ports/alarm-store.ts';
import type { Contacts } from '../ports/contacts.ts';
import { Failure } from '../ports/failure.ts';
import type { Notifier } from '../ports/notifier.ts';
import type { SystemAlarms } from '../ports/system-alarms.ts';
import { registerEscalation } from '../serve/api/escalation.ts';
import { placeOfAlarm } from '../serve/api/escalation-place.ts';
import type { EscalationServices } from '../serve/api/escalation-services.ts';
import { registerOnCall } from '../serve/api/on-call.ts';
import { registerQuietHours } from '../serve/api/quiet-hours.ts';
import { registerRotaOverrides } from '../serve/api/rota-overrides.ts';
import { registerRotas } from '../serve/api/rotas.ts';
import { registerTeams } from '../serve/api/teams.ts';
import type { HealthCheck } from '../serve/services.ts';
import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { AlarmDesk } from '../vitals/4-alert/alarm-desk.ts';
import { reachableContacts } from '../vitals/5-notify/reachable-contacts.ts';
import { Definitions } from '../workflow/definitions.ts';
import { escalationTimesOf } from './escalation-times.ts';
import { houseZone } from './house-zone.ts';
import type { OpenedTenants } from './open-tenants.ts';
import { openWorkflows } from './open-workflows.ts';
import type { Settings } from './settings.ts';
import type { undoStack } from './undo.ts';

/**
 * Escalation in two parts: what belongs to the storing of an alarm, before one can ring, and what runs the escalations,
 * once everything they ask is there.
 */
export async function openEscalation(parts: {
  readonly settings: Settings;
  readonly database: Database;
  readonly log: Log;
  readonly now: () => number;
}) {
  const { settings, database, log, now } = parts;
  const times = escalationTimesOf(settings);
  await new Definitions(new PostgresWorkflowStore(database)).keep(escalationFiles(), [...ESCALATION_FUNCTIONS]);
  const rounds = escalationRounds(database, {
    now,
    times,
    onFailed: (error) => log.error('an escalation could not be begun or ended with its alarm', { error }),
  });
  return {
    /** For the alarm store. */
    inTransaction: rounds.inTransaction,
    start: (later: Later) => startEscalation({ ...parts, ...later, rounds, times }),
  };
}

interface Later {
  /** Of the data folder. */
  readonly folder: string;
  readonly listener: Listener;
  readonly metrics: Metrics;
  readonly accounts: Pick<Accounts, 'users'>;
  readonly contacts: Pick<Contacts, 'of'>;
  readonly notifiers: readonly Notifier[];
  readonly systemAlarms: SystemAlarms;
  readonly outbox: PostgresOutbox;
  readonly alarms: Pick<AlarmStore, 'find' | 'act' | 'notes'>;
  /** As the organisation that asks has them. */
  readonly askedAlarms: Pick<AlarmStore, 'find'>;
  readonly desk: AlarmDesk;
  readonly statusOf: (patientId: PatientId) => PatientStatus | undefined;
  /** Whether what is known of patients is as new as it can be. */
  readonly isCaughtUp: () => boolean;
  readonly view: () => RegistryView;
  readonly tenants: OpenedTenants;
  /** Something was put into the outbox. */
  readonly onOrdered: () => void;
  readonly undo: ReturnType<typeof undoStack>;
}

type Started = Parameters<typeof openEscalation>[0] &
  Later & { readonly rounds: ReturnType<typeof escalationRounds>; readonly times: EscalationTimes };

async function startEscalation(parts: Started) {
  const { settings, database, log, now, view, systemAlarms, outbox, alarms, onOrdered, undo, times } = parts;
  const rotas = new PostgresRotas(database);
  const teams = new PostgresCareTeams(database);
  const escalations = new PostgresEscalations(database);
  const types = new Map(parts.notifiers.map(({ channel, type }) => [channel, type]));
  const house = (settings.smtp?.to ?? []).map((address) => ({ channel: 'smtp', address }));
  const reached = { channelTypes: () => types, house: () => house, now };
  const directory = createStaffDirectory({
    accounts: parts.accounts,
    contacts: parts.contacts,
    teams,
    rotas,
    ...reached,
  });
  const common = { alarms, escalations, systemAlarms, directory, onOrdered, now };
  const ladders = new Map<string, ReturnType<typeof stepsOf>>(
    escalationFiles().map((file) => [file.name, stepsOf(file)]),
  );
  const placeOf: Parameters<typeof escalationFunctions>[0]['placeOf'] = (alarm) => placeOfAlarm(view(), alarm);

  const workflows = await openWorkflows({
    database,
    listener: parts.listener,
    folder: parts.folder,
    definitions: escalationFiles(),
    handlers: escalationFunctions({
      ...common,
      orders: outbox,
      stepsOf: (definition) => ladders.get(definition) ?? [],
      placeOf,
      statusOf(patientId) {
        // Right after a start old values are replayed: the task is tried again, and gives up in favour of the next step.
        if (!parts.isCaughtUp())
          throw new Failure('overloaded', 'patients are not judged up to now yet', { retryable: true });
        return parts.statusOf(patientId);
      },
    }),
    metrics: parts.metrics,
    log,
    now,
  });
  undo.push('workflows', () => workflows.stop());
  const adopted = await parts.rounds.adopt();
  if (adopted > 0) log.warn('alarms without an escalation were given one', { count: adopted });

  // Whoever takes an alarm ends what rings because nobody did.
  parts.desk.onChange(({ alarm }) => {
    if (alarm.acknowledgedAtMs !== undefined || alarm.state === 'resolved') systemAlarms.clear(unansweredId(alarm));
  });

  const failed = (error: unknown) => log.warn('a watch over escalation failed', { error });
  const held = startHeldTellings({ escalations, orders: outbox, onOrdered, now, onError: failed });
  undo.push('held messages', () => held.stop());
  const rotaWatch = watchRotas({ directory, systemAlarms, now, onError: failed });
  undo.push('rota watch', () => rotaWatch.stop());

  // The watchdog has a connection of its own: what keeps the others busy must not blind it.
  const own = connect(database.address, { connectionsMax: 1, idleMs: 3 * WATCHDOG_SETTINGS.everyMs });
  undo.push('watchdog’s connection', () => own.close());
  const { deadManUrl } = settings;
  const watchdog = startWatchdog({
    watch: new PostgresEscalationWatch(own),
    directory,
    orders: new PostgresOutbox(own),
    systemAlarms,
    placeOf,
    onOrdered,
    ...(deadManUrl === undefined ? {} : { ping: () => ping(deadManUrl) }),
    now,
    hooks: {
      left: (reason) => {
        log.error('an alarm was left by its escalation: everybody is told', { reason });
        if (reason === 'missing') void parts.rounds.adopt().catch(failed);
      },
      onError: (error) => log.error('the watchdog over escalation could not look', { error }),
      onPingFailed: (error) => log.warn('the dead man’s switch could not be reached', { error }),
    },
  });
  undo.push('watchdog', () => watchdog.stop());
  const heartbeat = watchHeartbeat({
    name: WATCHDOG_HEARTBEAT,
    watch: new PostgresEscalationWatch(database),
    systemAlarms,
    now,
    onError: failed,
  });
  undo.push('watch over the watchdog', () => heartbeat.stop());

  // What people ask for goes to the database as their organisation.
  const { asking, viewFor } = parts.tenants;
  const services: EscalationServices = {
    view: viewFor(view),
    rotas: new PostgresRotas(asking),
    teams: new PostgresCareTeams(asking),
    directory: askedDirectory(parts, reached),
    escalations: new PostgresEscalations(asking),
    alarms: parts.askedAlarms,
    act: (request) => parts.desk.act(request),
    deliveries: (alarmId) => new PostgresOutbox(asking).deliveries(alarmId),
    definitions: escalationDefinitions(),
    times,
    zone: houseZone(settings),
    newId: randomUUID,
    now,
  };
  return {
    workflows,
    routes: (app: FastifyInstance): void => {
      registerRotas(app, services);
      registerRotaOverrides(app, services);
      registerOnCall(app, services);
      registerTeams(app, services);
      registerQuietHours(app, services);
      registerEscalation(app, services);
      workflows.routes(app);
    },
    health: [
      {
        name: 'escalation',
        required: false,
        state: () => {
          const { isStoreAway, parked } = workflows.driver.health();
          return isStoreAway || parked > 0 ? 'degraded' : 'up';
        },
      },
      { name: 'escalation watchdog', required: false, state: () => heartbeat.state() },
    ] satisfies readonly HealthCheck[],
  };
}

/** Who is told, as the organisation that asks has them: each remembers its own, and nothing of another. */
function askedDirectory(
  { tenants, notifiers }: Later,
  reached: Pick<StaffSources, 'channelTypes' | 'house' | 'now'>,
): StaffDirectory {
  const { asking, accounts } = tenants;
  const sources: StaffSources = {
    ...reached,
    accounts: new PostgresAccounts(asking),
    contacts: reachableContacts(new PostgresContacts(accounts), notifiers),
    teams: new PostgresCareTeams(asking),
    rotas: new PostgresRotas(asking),
  };
  const known = new Map<TenantId, StaffDirectory>();
  return {
    worldOf(alarm) {
      const tenantId = tenants.tenantNow();
      const own = known.get(tenantId) ?? createStaffDirectory(sources);
      known.set(tenantId, own);
      return own.worldOf({ ...alarm, tenantId });
    },
  };
}

/** An outside watcher answers in seconds, or counts as away. */
const PING_MS = 10_000;

async function ping(url: string): Promise<void> {
  const response = await fetch(url, { signal: AbortSignal.timeout(PING_MS), redirect: 'manual' });
  await response.body?.cancel();
  if (!response.ok) throw new Error(`answered ${response.status}`);
}
