import { randomBytes } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import type { Decisions, Subject } from '../access/decisions.ts';
import { grantingService, grantingSubject, partySubject } from '../access/user-subject.ts';
import { createEventWebhook } from '../adapters/notify/event-webhook.ts';
import { isVouchedFor, parseOutgoingAddress } from '../adapters/notify/outgoing-address.ts';
import { PostgresAlarmEvents } from '../adapters/postgres/alarm-events.ts';
import type { Connections } from '../adapters/postgres/connection.ts';
import { PostgresEventSubscriptions } from '../adapters/postgres/event-subscriptions.ts';
import type { Listener } from '../adapters/postgres/listener.ts';
import { PostgresOAuthClients } from '../adapters/postgres/oauth-clients.ts';
import { DEFAULT_TENANT, type PatientId, type UserId } from '../domain/ids.ts';
import { startEventCourier } from '../events/courier.ts';
import type { Accounts } from '../ports/accounts.ts';
import type { AuditLog } from '../ports/audit-log.ts';
import type { SystemAlarms } from '../ports/system-alarms.ts';
import { registerEvents } from '../serve/api/events.ts';
import { actionFor } from '../serve/event-grant.ts';
import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { OpenedKeys } from './open-keys.ts';
import type { OpenedTenants } from './open-tenants.ts';
import { outgoingRules } from './outgoing-rules.ts';
import type { Settings } from './settings.ts';
import type { undoStack } from './undo.ts';

/** What happened to alarms, for other systems: the courier that brings it to them, and the routes to see and steer it. */
export async function openEvents(parts: {
  readonly settings: Settings;
  readonly database: Connections;
  readonly tenants: OpenedTenants;
  readonly keys: Pick<OpenedKeys, 'houseSeal'>;
  readonly listener: Listener;
  readonly systemAlarms: SystemAlarms;
  readonly accounts: Pick<Accounts, 'findUserById'>;
  readonly access: Decisions;
  readonly audit: AuditLog;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly now: () => number;
  readonly undo: ReturnType<typeof undoStack>;
}): Promise<{ readonly routes: (app: FastifyInstance) => void }> {
  const { settings, database, keys, listener, systemAlarms, accounts, access, audit, metrics, log, now, undo } = parts;
  const outgoing = outgoingRules(settings);
  const isOfHouse = (url: string) => isVouchedFor(url, outgoing);
  const events = new PostgresAlarmEvents(database);
  const clients = new PostgresOAuthClients(database);
  const subscriptions = new PostgresEventSubscriptions(database, keys.houseSeal);
  const courier = startEventCourier({
    events,
    subscriptions,
    carrier: createEventWebhook({ outgoing, now }),
    systemAlarms,
    mayShare: (party, patientId, tenantId) =>
      access.decide({
        principal: partySubject(party, tenantId),
        action: 'alarm.read',
        resource: { kind: 'patient', patientId: patientId as PatientId },
      }),
    async mayGrant({ grantedBy, detail, tenantId = DEFAULT_TENANT }) {
      const principal = await granter(grantedBy);
      if (principal === undefined) return { allowed: false, policies: [] };
      return access.decide({ principal, action: actionFor(detail), resource: { kind: 'house', tenantId } });
    },
    isOfHouse,
    audit,
    now,
    monotonicMs: () => performance.now(),
    random: Math.random,
    settings: { keepMs: settings.eventRetentionDays * 86_400_000 },
    hooks: {
      sent: (outcome, ms) => metrics.events.sent(outcome, ms),
      onError: (error) => log.warn('events cannot be read or recorded', { error }),
    },
  });
  undo.push('event courier', () => courier.stop());
  const wake = () => courier.wake();
  const stopNotices = await listener.listen('healthsync_alarm', { onNotice: wake, onGap: wake });
  undo.push('event notices', () => stopNotices());
  const services = {
    events: new PostgresAlarmEvents(parts.tenants.asking),
    subscriptions: new PostgresEventSubscriptions(parts.tenants.asking, keys.houseSeal),
    refusalOf: (url: string) => {
      const parsed = parseOutgoingAddress(url, outgoing);
      return parsed.kind === 'refused' ? parsed.reason : undefined;
    },
    isOfHouse,
    newSecret: () => `whsec_${randomBytes(32).toString('base64')}`,
    wake,
    now,
  };
  return { routes: (app) => registerEvents(app, services) };

  /** Whoever has granted something, a person or a service, as they are now; undefined: nobody who may come in. */
  async function granter(id: UserId): Promise<Subject | undefined> {
    const user = await accounts.findUserById(id);
    if (user !== undefined) return user.disabledAtMs === undefined ? grantingSubject(user, now()) : undefined;
    const client = await clients.find(id.replace(/^svc-/, ''));
    const isOpen = client?.kind === 'service' && client.disabledAtMs === undefined;
    return isOpen && id === `svc-${client.id}` ? grantingService(client) : undefined;
  }
}
