import type { PostgresAlarmStore } from '../adapters/postgres/alarm-store.ts';
import { PostgresOutbox } from '../adapters/postgres/outbox.ts';
import { PostgresRejectedReadings } from '../adapters/postgres/rejected-readings.ts';
import { PostgresRuleSets } from '../adapters/postgres/rule-sets.ts';
import { PostgresVitalsHistory } from '../adapters/postgres/vitals-history.ts';
import type { Alarm } from '../domain/alarm.ts';
import type { Services } from '../serve/services.ts';
import { shownPreviews } from '../serve/shown-previews.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { Admission } from '../vitals/1-ingest/admission.ts';
import { replayRejected } from '../vitals/1-ingest/rejected-replay.ts';
import type { Assessor } from '../vitals/3-assess/assessor.ts';
import type { AlarmDesk } from '../vitals/4-alert/alarm-desk.ts';
import type { OpenedKeys } from './open-keys.ts';
import type { OpenedTenants } from './open-tenants.ts';
import type { Settings } from './settings.ts';

/**
 * What people and scripts ask for over HTTP. Whatever it reads or writes in the database goes there under the login of
 * the organisation whose request it is.
 */
export function askedServices(
  parts: Pick<
    Services,
    | 'access'
    | 'registry'
    | 'view'
    | 'refreshView'
    | 'alarmPolicy'
    | 'devices'
    | 'live'
    | 'signIn'
    | 'health'
    | 'audit'
    | 'log'
    | 'now'
  > & {
    readonly settings: Settings;
    readonly tenants: OpenedTenants;
    readonly keys: OpenedKeys;
    readonly mayShow: NonNullable<Services['mayShow']>;
    readonly askedAlarms: PostgresAlarmStore;
    readonly desk: AlarmDesk;
    readonly admission: Admission;
    readonly assessor: Assessor;
    readonly metrics: Metrics;
  },
): Services {
  const { settings, tenants, keys, askedAlarms, desk, admission, assessor, metrics, now } = parts;
  const view = tenants.viewFor(parts.view);
  /** The desk holds those of all. */
  const ownAlarm = (alarm: Alarm | undefined) =>
    alarm !== undefined && view().place(alarm.patientId) !== undefined ? alarm : undefined;
  const rejected = new PostgresRejectedReadings(tenants.asking, keys.houseSeal);
  return {
    access: parts.access,
    mayShow: parts.mayShow,
    view,
    inTenant: tenants.inTenant,
    refreshView: parts.refreshView,
    registry: parts.registry,
    ruleSets: tenants.rulesFor(new PostgresRuleSets(tenants.asking)),
    shownPreviews: shownPreviews(),
    secondPerson: settings.secondPerson ? 'needed' : 'not-needed',
    history: new PostgresVitalsHistory(tenants.asking),
    alarms: {
      list: (query) => askedAlarms.list(query),
      // An alarm rings before it is stored: whoever reaches for it at once must find it.
      find: async (id) => (await askedAlarms.find(id)) ?? ownAlarm(desk.find(id)),
      history: (id) => askedAlarms.history(id),
      notes: (id) => askedAlarms.notes(id),
    },
    alarmPolicy: parts.alarmPolicy,
    act: (request) => desk.act(request),
    acknowledgeMany: (request) => desk.acknowledgeMany(request),
    deliveries: (alarmId) => new PostgresOutbox(tenants.asking).deliveries(alarmId),
    rejected,
    replayRejected: (id, by) => replayRejected({ rejected, admission, now, id, by }),
    statusOf: (patientId) => assessor.statusOf(patientId),
    devices: parts.devices,
    live: parts.live,
    signIn: parts.signIn,
    health: parts.health,
    metrics,
    audit: parts.audit,
    log: parts.log,
    now,
    hooks: {
      request: (done) => metrics.http.request(done),
      signIn: (outcome) => metrics.http.signIn(outcome),
      handshake: (outcome) => metrics.mqtt.handshake('https', outcome),
    },
  };
}
