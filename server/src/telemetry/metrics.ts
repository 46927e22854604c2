import { collectDefaultMetrics, Registry } from 'prom-client';
import type { AlarmChange } from '../domain/alarm.ts';
import type { ProblemCode } from '../domain/problem.ts';
import type { OldDataKind } from '../ports/old-data.ts';
import { counter, gauge, histogram } from './instruments.ts';

/**
 * What every hop of a reading's way tells about itself, grouped as the rooms are. Each group is handed to its room as
 * plain callbacks; no room knows Prometheus. Labels come from closed lists: no ids, no names, no patient data.
 */
export type Metrics = ReturnType<typeof createMetrics>;

export type Transport = 'mqtt' | 'https';

// The edges lie dense around the targets (acknowledgement p99 15 ms, reading to live stream p99 25 ms).
const LATENCY = [0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.025, 0.05, 0.1, 0.25, 1, 5, 30];
const SIZE = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000];

export function createMetrics() {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 10 });
  const hops = {
    ingest: ingestMetrics(registry),
    mqtt: mqttMetrics(registry),
    log: logMetrics(registry),
    keep: keepMetrics(registry),
    assess: assessMetrics(registry),
    alarms: alarmMetrics(registry),
    notify: notifyMetrics(registry),
    events: eventMetrics(registry),
    retention: retentionMetrics(registry),
    live: liveMetrics(registry),
    http: httpMetrics(registry),
    audit: auditMetrics(registry),
    workflow: workflowMetrics(registry),
    watching: watchingMetrics(registry),
  };
  return {
    ...hops,
    /** Something that is read when scraped; a record gives one series per key, under `label`. */
    gauge: (name: GaugeName, read: () => number | Readonly<Record<string, number>>, label?: string): void =>
      gauge(registry, name, GAUGES[name], read, label),
    contentType: registry.contentType,
    render: (): Promise<string> => registry.metrics(),
  };
}

/** Wired by the composition root, which alone knows whose number it is. */
const GAUGES = {
  healthsync_mqtt_sessions: 'MQTT sessions open',
  healthsync_live_clients: 'Live streams open',
  healthsync_log_lag_readings: 'Readings durable in the log but not yet handled, by consumer group',
  healthsync_log_held_readings: 'Readings held in the log',
  healthsync_alarms_open: 'Open alarms, by priority',
  healthsync_alarms_unstored: 'Alarm changes rung but not yet stored',
  healthsync_notify_pending: 'Deliveries waiting, by channel',
  healthsync_system_alarms_open: 'Alarms of the installation that are not cleared, by priority',
  healthsync_postgres_connections: 'Connections of the database pool, by state',
  healthsync_registry_age_seconds: 'Age of the registry view',
  healthsync_certificate_expires_seconds: 'Until the server certificate expires',
  healthsync_audit_broken: '1 where the audit log was found not to be what was signed',
  healthsync_audit_waiting: 'Entries that wait to be written into the audit log',
  healthsync_audit_check_age_seconds: 'Since the audit log was verified last',
  healthsync_ready: '1 where a dependency is well, by dependency',
} as const;
export type GaugeName = keyof typeof GAUGES;

function ingestMetrics(registry: Registry) {
  const readings = counter(registry, 'healthsync_ingest_readings_total', 'Readings by what became of them', [
    'transport',
    'outcome',
    'code',
  ]);
  const ack = histogram(
    registry,
    'healthsync_ingest_ack_seconds',
    'From receipt of a reading to its acknowledgement',
    LATENCY,
    ['transport'],
  );
  return {
    reading(transport: Transport, outcome: 'accepted' | 'duplicate' | 'rejected' | 'unavailable', code?: ProblemCode) {
      readings(1, transport, outcome, code ?? '');
    },
    ackMs: (transport: Transport, ms: number) => ack(ms / 1000, transport),
  };
}

function mqttMetrics(registry: Registry) {
  const connects = counter(registry, 'healthsync_mqtt_connects_total', 'CONNECTs by outcome', ['outcome']);
  const ends = counter(registry, 'healthsync_mqtt_disconnects_total', 'Sessions ended, by reason', ['reason']);
  const refused = counter(registry, 'healthsync_mqtt_refused_total', 'Messages refused, by reason', ['reason']);
  const handshakes = counter(registry, 'healthsync_tls_handshakes_total', 'TLS handshakes', ['listener', 'outcome']);
  return {
    connect: (outcome: string) => connects(1, outcome),
    disconnect: (reason: string) => ends(1, reason),
    refused: (reason: string) => refused(1, reason),
    handshake: (listener: 'mqtts' | 'https', outcome: 'full' | 'resumed' | 'failed') =>
      handshakes(1, listener, outcome),
  };
}

function logMetrics(registry: Registry) {
  const write = histogram(registry, 'healthsync_log_write_seconds', 'One group write of the log, synced', LATENCY);
  const group = histogram(registry, 'healthsync_log_write_readings', 'Readings per group write', SIZE);
  const bytes = counter(registry, 'healthsync_log_bytes_total', 'Bytes written to the log');
  const failures = counter(registry, 'healthsync_log_failures_total', 'Appends refused by the log', ['code']);
  return {
    write(done: { readonly ms: number; readonly records: number; readonly bytes: number }) {
      write(done.ms / 1000);
      group(done.records);
      bytes(done.bytes);
    },
    failure: (code: string) => failures(1, code),
  };
}

function keepMetrics(registry: Registry) {
  const batch = histogram(registry, 'healthsync_keep_batch_seconds', 'One batch into history, committed', LATENCY);
  const rows = counter(registry, 'healthsync_keep_readings_total', 'Readings into history', ['outcome']);
  const retries = counter(registry, 'healthsync_keep_retries_total', 'Batches tried again');
  return {
    batch(done: { readonly ms: number; readonly stored: number; readonly duplicates: number }) {
      batch(done.ms / 1000);
      rows(done.stored, 'stored');
      rows(done.duplicates, 'duplicate');
    },
    retry: () => retries(1),
  };
}

function assessMetrics(registry: Registry) {
  const batch = histogram(registry, 'healthsync_assess_batch_seconds', 'Judging one batch', LATENCY);
  const readings = counter(registry, 'healthsync_assess_readings_total', 'Readings judged');
  const latency = histogram(
    registry,
    'healthsync_assess_latency_seconds',
    'From receipt of a reading to its judgement',
    LATENCY,
  );
  const retries = counter(registry, 'healthsync_assess_retries_total', 'Batches tried again');
  return {
    batch(done: { readonly ms: number; readonly readings: number }) {
      batch(done.ms / 1000);
      readings(done.readings);
    },
    receiptToJudgementMs: (ms: number) => latency(ms / 1000),
    retry: () => retries(1),
  };
}

function alarmMetrics(registry: Registry) {
  const changes = counter(registry, 'healthsync_alarm_changes_total', 'Changes of alarms', [
    'change',
    'kind',
    'priority',
  ]);
  const latency = histogram(
    registry,
    'healthsync_alarm_latency_seconds',
    'From receipt of the reading to the alarm change being on the live stream',
    LATENCY,
  );
  const stored = histogram(
    registry,
    'healthsync_alarm_store_seconds',
    'From ringing to the alarm being stored',
    LATENCY,
  );
  const late = histogram(
    registry,
    'healthsync_alarm_clock_late_seconds',
    'By how much a snooze, a reminder or another time of an alarm came late',
    LATENCY,
  );
  return {
    lateMs: (ms: number) => late(ms / 1000),
    change: (change: AlarmChange) => changes(1, change.kind, change.alarm.kind, change.alarm.priority),
    receiptToStreamMs: (ms: number) => latency(ms / 1000),
    storedMs: (ms: number) => stored(ms / 1000),
  };
}

function eventMetrics(registry: Registry) {
  const sent = counter(registry, 'healthsync_events_sent_total', 'Events sent to subscriptions', ['outcome']);
  const took = histogram(registry, 'healthsync_events_send_seconds', 'One event to one subscription', LATENCY);
  return {
    sent(outcome: 'delivered' | 'retry' | 'refused', ms: number) {
      sent(1, outcome);
      took(ms / 1000);
    },
  };
}

function retentionMetrics(registry: Registry) {
  const removed = counter(registry, 'healthsync_retention_removed_total', 'What was old and is gone', ['kind']);
  return {
    removed(kind: OldDataKind, count: number) {
      removed(count, kind);
    },
  };
}

function notifyMetrics(registry: Registry) {
  const orders = counter(registry, 'healthsync_notify_orders_total', 'Deliveries made from changes of alarms');
  const deliveries = counter(registry, 'healthsync_notify_deliveries_total', 'Delivery attempts', [
    'channel',
    'outcome',
  ]);
  const took = histogram(registry, 'healthsync_notify_send_seconds', 'One delivery attempt', LATENCY, ['channel']);
  const told = histogram(
    registry,
    'healthsync_notify_told_seconds',
    'From the order of a delivery until the other side took it',
    TOLD,
    ['priority'],
  );
  const held = counter(registry, 'healthsync_notify_held_total', 'Deliveries not sent when due, by why', [
    'channel',
    'why',
  ]);
  const answers = counter(registry, 'healthsync_notify_answers_total', 'Answers that came back, by outcome', [
    'channel',
    'outcome',
  ]);
  const receipts = counter(registry, 'healthsync_notify_receipts_total', 'Receipts that came later', [
    'channel',
    'state',
  ]);
  const system = counter(registry, 'healthsync_system_alarms_total', 'Alarms of the installation raised, by rule', [
    'rule',
  ]);
  return {
    ordered: (count: number) => orders(count),
    attempt(done: {
      readonly channel: string;
      readonly outcome: 'delivered' | 'retry' | 'failed';
      readonly ms: number;
    }) {
      deliveries(1, done.channel, done.outcome);
      took(done.ms / 1000, done.channel);
    },
    deliveredMs: (priority: string, ms: number) => told(ms / 1000, priority),
    held: (channel: string, why: string) => held(1, channel, why),
    answered: (channel: string, outcome: string) => answers(1, channel, outcome),
    receipt: (channel: string, state: string) => receipts(1, channel, state),
    systemAlarm: (rule: string) => system(1, rule),
  };
}

/** Seconds: a mail within one, a text message within ten, a retry within minutes; beyond an hour nobody was told in time. */
const TOLD = [0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 900, 3_600] as const;

function liveMetrics(registry: Registry) {
  const events = counter(registry, 'healthsync_live_events_total', 'Live events made (once per ward)', ['event']);
  const bytes = counter(registry, 'healthsync_live_bytes_total', 'Bytes written to live streams');
  const ends = counter(registry, 'healthsync_live_ends_total', 'Live streams ended by us, by reason', ['reason']);
  const tick = histogram(registry, 'healthsync_live_tick_seconds', 'One second tick over all watched wards', LATENCY);
  return {
    event: (event: string) => events(1, event),
    sent: (count: number) => bytes(count),
    ended: (reason: string) => ends(1, reason),
    tickMs: (ms: number) => tick(ms / 1000),
  };
}

function httpMetrics(registry: Registry) {
  const requests = histogram(registry, 'healthsync_http_request_seconds', 'HTTP requests', LATENCY, [
    'method',
    'route',
    'status',
  ]);
  const signIns = counter(registry, 'healthsync_sign_ins_total', 'Sign-ins by outcome', ['outcome']);
  return {
    request: (done: {
      readonly method: string;
      readonly route: string;
      readonly status: number;
      readonly ms: number;
    }) => requests(done.ms / 1000, done.method, done.route, String(done.status)),
    signIn: (outcome: string) => signIns(1, outcome),
  };
}

function auditMetrics(registry: Registry) {
  const write = histogram(registry, 'healthsync_audit_write_seconds', 'One group write of the audit log', LATENCY);
  const entries = counter(registry, 'healthsync_audit_entries_total', 'Entries, by how their write ended', ['outcome']);
  const diverged = counter(
    registry,
    'healthsync_audit_divergences_total',
    'What the audit log was found not to be while it was written',
    ['what'],
  );
  return {
    write(done: { readonly entries: number; readonly ms: number; readonly outcome: 'written' | 'failed' }) {
      write(done.ms / 1000);
      entries(done.entries, done.outcome);
    },
    diverged: (what: string) => diverged(1, what),
  };
}

function watchingMetrics(registry: Registry) {
  const looked = counter(registry, 'healthsync_watching_entries_total', 'Entries of the audit log that were looked at');
  const raised = counter(
    registry,
    'healthsync_security_alerts_total',
    'Security alerts raised, or grown more serious',
    ['kind', 'severity'],
  );
  return {
    looked: (entries: number) => looked(entries),
    raised: (kind: string, severity: string) => raised(1, kind, severity),
  };
}

function workflowMetrics(registry: Registry) {
  const late = histogram(
    registry,
    'healthsync_workflow_late_seconds',
    'From the moment a workflow was due to its next state being durable',
    LATENCY,
  );
  const tasks = histogram(registry, 'healthsync_workflow_task_seconds', 'Tasks of workflows', LATENCY, [
    'resource',
    'outcome',
  ]);
  const ends = counter(registry, 'healthsync_workflow_ended_total', 'Workflow executions ended', [
    'definition',
    'status',
  ]);
  return {
    advanced: ({ lateMs }: { readonly lateMs: number }) => late(lateMs / 1000),
    task(done: { readonly resource: string; readonly outcome: 'succeeded' | 'failed'; readonly ms: number }) {
      tasks(done.ms / 1000, done.resource, done.outcome);
    },
    ended: (done: { readonly definition: string; readonly status: string }) => ends(1, done.definition, done.status),
  };
}
