import { type EventDetail, routeOf } from '../domain/alarm-event.ts';
import type { AuditEntry } from '../domain/audit-entry.ts';
import { DEFAULT_TENANT, type TenantId, type UserId } from '../domain/ids.ts';
import { backoffMs } from '../domain/notification.ts';
import { atMostEvery } from '../pacing/at-most-every.ts';
import { repeat } from '../pacing/repeating.ts';
import type {
  AlarmEvents,
  EventCarrier,
  EventSubscriptionRecord,
  EventSubscriptions,
  StoredEvent,
} from '../ports/alarm-events.ts';
import type { AuditLog } from '../ports/audit-log.ts';
import type { SystemAlarms } from '../ports/system-alarms.ts';
import { cloudEvent } from './cloud-event.ts';

/**
 * Brings events to subscriptions: to each in order, one at a time, again and again until it is taken; and how far it has
 * come is kept with the events. A receiver that is away delays nobody but itself.
 */
export interface EventCourier {
  /** Something may have happened: look now. */
  wake(): void;
  /** Takes up nothing more; waits for what is being sent, at most `sendTimeoutMs`. */
  stop(): Promise<void>;
}

export interface CourierHooks {
  sent?(outcome: 'delivered' | 'retry' | 'refused', ms: number): void;
  /** The database is away. */
  onError?(error: unknown): void;
}

export interface CourierSettings {
  /** How often to look without being woken: for what other processes wrote, and for retries. */
  readonly pollMs: number;
  /** Between two looks that somebody asks for: in a storm of alarms many are brought as one. */
  readonly restMs: number;
  /** Subscriptions served at once. */
  readonly concurrencyMax: number;
  /** Events read at once; most are passed by where routes are narrow. */
  readonly batchMax: number;
  readonly sendTimeoutMs: number;
  /** Longer than one delivery takes; extended with each. */
  readonly leaseMs: number;
  readonly retryFirstMs: number;
  readonly retryMaxMs: number;
  /** From then on a failing subscription is an alarm of the installation. */
  readonly alarmAfterMs: number;
  /** How long events are kept for those who come back or read again. */
  readonly keepMs: number;
}

const DEFAULTS: CourierSettings = {
  pollMs: 1_000,
  restMs: 100,
  concurrencyMax: 8,
  batchMax: 200,
  sendTimeoutMs: 10_000,
  leaseMs: 30_000,
  retryFirstMs: 1_000,
  retryMaxMs: 300_000,
  alarmAfterMs: 900_000,
  keepMs: 30 * 86_400_000,
};

/** Whether a patient shares with a party, or somebody may grant what they granted; and by what. */
export interface SharingDecision {
  readonly allowed: boolean;
  readonly policies: readonly string[];
  readonly consent?: { readonly id: string; readonly version: number };
}

const REFUSED: SharingDecision = { allowed: false, policies: [] };

/** Old events go once an hour. */
const FORGET_EVERY_MS = 3_600_000;

export function startEventCourier(dependencies: {
  readonly events: AlarmEvents;
  readonly subscriptions: EventSubscriptions;
  readonly carrier: EventCarrier;
  readonly systemAlarms: SystemAlarms;
  /** Whether a patient's alarms may be shared with a party outside, at this moment. */
  readonly mayShare: (party: string, patientId: string, tenantId?: TenantId) => SharingDecision;
  /** Whether whoever granted a detail may see as much themselves, at this moment. */
  readonly mayGrant: (grant: {
    readonly grantedBy: UserId;
    readonly detail: Exclude<EventDetail, 'place'>;
    readonly tenantId: TenantId | undefined;
  }) => Promise<SharingDecision>;
  /** Whether an address is vouched for as one of the house: to any other the patient goes to a named party alone. */
  readonly isOfHouse: (url: string) => boolean;
  /** Nothing leaves the house before it is written down. */
  readonly audit: AuditLog;
  readonly now: () => number;
  readonly monotonicMs: () => number;
  /** In [0, 1). */
  readonly random: () => number;
  readonly hooks?: CourierHooks;
  readonly settings?: Partial<CourierSettings>;
}): EventCourier {
  const { events, subscriptions, carrier, systemAlarms, audit, now, monotonicMs, random } = dependencies;
  const { mayShare, mayGrant, isOfHouse, hooks = {} } = dependencies;
  const settings = { ...DEFAULTS, ...dependencies.settings };
  const serving = new Set<Promise<void>>();
  const stopping = new AbortController();
  let forgotAtMs = now();

  async function round(): Promise<void> {
    await events.sequence();
    await takeDue();
    if (now() - forgotAtMs > FORGET_EVERY_MS) {
      forgotAtMs = now();
      await events.forget(now() - settings.keepMs);
    }
  }

  async function takeDue(): Promise<void> {
    const limit = settings.concurrencyMax - serving.size;
    if (limit <= 0) return;
    const due = await subscriptions.take({ nowMs: now(), leaseUntilMs: now() + settings.leaseMs, limit });
    for (const subscription of due) {
      const served = serve(subscription)
        .catch((error: unknown) => hooks.onError?.(error))
        .finally(() => {
          serving.delete(served);
          rounds.wake();
        });
      serving.add(served);
    }
  }

  /** One batch; what is left comes with the next round, so that many subscriptions share the places. */
  async function serve(subscription: EventSubscriptionRecord): Promise<void> {
    const batch = await events.read({ after: subscription.position, limit: settings.batchMax });
    let passed = subscription.position;
    for (const event of batch) {
      if (stopping.signal.aborted) break;
      if (event.tenantId === subscription.tenantId && routeOf(event.facts, subscription.routes) !== undefined) {
        const goesOn = await deliver(subscription, event, passed, event === batch.at(-1));
        if (!goesOn || event === batch.at(-1)) return;
      }
      passed = event.position;
    }
    await record(subscription, passed, { kind: 'passed' });
  }

  /** Whether the next event may follow: it was delivered, and the subscription is still ours to serve. */
  async function deliver(
    subscription: EventSubscriptionRecord,
    event: StoredEvent,
    before: number,
    isLast: boolean,
  ): Promise<boolean> {
    const { url, secret } = subscription;
    const decision = await decide(subscription, event);
    const detail = decision?.allowed === false ? 'place' : subscription.detail;
    const entry = sentEntry(subscription, event, { detail, decision, atMs: now() });
    if (!(await isOnRecord(entry))) {
      await record(subscription, before, {
        kind: 'retry',
        reason: 'audit-unavailable',
        nextAtMs: retryAt(subscription, {}),
      });
      return false;
    }
    const startedMs = monotonicMs();
    const outcome = await carrier.carry({
      url,
      secret,
      id: event.id,
      body: JSON.stringify(cloudEvent(event, detail)),
      signal: AbortSignal.timeout(settings.sendTimeoutMs),
    });
    const told = (what: 'delivered' | 'retry' | 'refused') => hooks.sent?.(what, monotonicMs() - startedMs);
    if (outcome.kind === 'delivered') {
      told('delivered');
      if (subscription.failures > 0) systemAlarms.clear(alarmIdOf(subscription));
      const lease = isLast ? {} : { leaseUntilMs: now() + settings.leaseMs };
      return await record(subscription, event.position, { kind: 'delivered', ...lease });
    }
    told(outcome.kind === 'permanent' ? 'refused' : 'retry');
    warn(subscription, outcome);
    const { reason } = outcome;
    await record(
      subscription,
      before,
      outcome.kind === 'permanent'
        ? { kind: 'refused', reason }
        : { kind: 'retry', reason, nextAtMs: retryAt(subscription, outcome) },
    );
    return false;
  }

  async function isOnRecord(entry: AuditEntry): Promise<boolean> {
    try {
      await audit.append([entry]);
      return true;
    } catch (error) {
      hooks.onError?.(error);
      return false;
    }
  }

  /** Asked at every delivery, a repeated one included: what was revoked meanwhile, of consent or of rights, stays here. */
  async function decide(
    { url, detail, party, tenantId, grantedBy }: EventSubscriptionRecord,
    { facts }: StoredEvent,
  ): Promise<SharingDecision | undefined> {
    // Nothing in it is of a patient.
    if ('about' in facts || detail === 'place') return undefined;
    const { patientId } = facts;
    const granted = grantedBy === undefined ? REFUSED : await mayGrant({ grantedBy, detail, tenantId });
    if (!granted.allowed) return granted;
    if (party === undefined) return isOfHouse(url) ? granted : REFUSED;
    return patientId === undefined ? REFUSED : mayShare(party, patientId, tenantId);
  }

  function retryAt(
    { failures }: EventSubscriptionRecord,
    { retryAfterMs = 0 }: { readonly retryAfterMs?: number },
  ): number {
    const policy = { firstMs: settings.retryFirstMs, maxMs: settings.retryMaxMs };
    return now() + Math.max(retryAfterMs, backoffMs(failures + 1, policy, random()));
  }

  function warn(subscription: EventSubscriptionRecord, outcome: { readonly kind: string }): void {
    const failingForMs = now() - (subscription.failingSinceMs ?? now());
    if (outcome.kind !== 'permanent' && failingForMs < settings.alarmAfterMs) return;
    const what = outcome.kind === 'permanent' ? 'wants no more events' : 'has taken no events for a while';
    systemAlarms.raise({
      tenantId: subscription.tenantId ?? DEFAULT_TENANT,
      id: alarmIdOf(subscription),
      rule: 'events.failing',
      priority: 'medium',
      text: `The event subscription "${subscription.name}" ${what}. See its state under event subscriptions.`,
    });
  }

  function record(
    { id, lease }: EventSubscriptionRecord,
    position: number,
    outcome: Parameters<EventSubscriptions['record']>[0]['outcome'],
  ): Promise<boolean> {
    return subscriptions.record({ id, lease: lease ?? '', position, atMs: now(), outcome });
  }

  const rounds = repeat(round, {
    everyMs: settings.pollMs,
    asideMs: (2 / 3) * settings.pollMs,
    onError: (error) => hooks.onError?.(error),
  });
  const wake = atMostEvery(settings.restMs, () => rounds.wake());
  return {
    wake,
    async stop() {
      stopping.abort();
      wake.stop();
      await rounds.stop();
      await Promise.all(serving);
    },
  };
}

/** One for every attempt: with each it has left the house. */
function sentEntry(
  { id, name, party }: EventSubscriptionRecord,
  { id: event, facts }: StoredEvent,
  what: { readonly detail: EventDetail; readonly decision: SharingDecision | undefined; readonly atMs: number },
): AuditEntry {
  const { detail, decision, atMs } = what;
  const { consent, policies = [] } = decision ?? {};
  return {
    atMs,
    actor: { kind: 'system', name: 'events' },
    action: 'event.send',
    resource: { kind: 'event-subscription', id },
    ...('patientId' in facts && facts.patientId !== undefined && { patientId: facts.patientId }),
    // Refused is the patient in it: that something rang in a bed is told all the same.
    outcome: decision?.allowed === false ? 'denied' : 'allowed',
    policies,
    correlationId: 'about' in facts ? facts.alertId : facts.alarmId,
    detail: {
      event,
      subscription: name,
      detail,
      ...(party !== undefined && { party }),
      ...(consent !== undefined && { consent: `${consent.id}#${consent.version}` }),
    },
  };
}

const alarmIdOf = ({ id }: Pick<EventSubscriptionRecord, 'id'>): string => `events.${id}.failing`;
