import type { DeliveryOutcome, Notification, Notifier } from '../../ports/notifier.ts';
import { callHttps, type HttpsAnswer, outcomeOfError, outcomeOfStatus } from './https-call.ts';
import { jsonOf } from './json-answer.ts';

/**
 * What an installation has to do in PagerDuty: on a service, add the integration "Events API v2" and give us its key; to
 * hear back, add a "Generic Webhook (v3)" to `https://<this server>/hooks/pagerduty/<name>` for `incident.acknowledged`
 * and `incident.resolved`, and give us its signing secret.
 */
export interface PagerDutySettings {
  /** The configured name, e.g. `pagerduty`. */
  readonly channel: string;
  /** Service → its integration key. Who of its people is on call, PagerDuty decides itself. */
  readonly services: ReadonlyMap<string, string>;
  /** `https://events.eu.pagerduty.com/v2/enqueue` for accounts in the EU region. */
  readonly eventsUrl?: URL;
  /** PEM of a private authority, where a proxy opens TLS; the system's otherwise. */
  readonly ca?: string;
  /** ms since 1970. */
  readonly now: () => number;
}

const EVENTS_URL = new URL('https://events.pagerduty.com/v2/enqueue');

/**
 * Events API v2 (developer.pagerduty.com/docs/events-api-v2). The alarm's id is the `dedup_key`, so that everything about
 * one alarm is one incident, however often it is said. Recipients are services.
 */
export function createPagerDutyNotifier(settings: PagerDutySettings): Notifier {
  const { channel, services, eventsUrl = EVENTS_URL, ca, now } = settings;
  return {
    channel,
    type: 'pagerduty',
    async send(message, { idempotencyKey, signal }) {
      const routingKey = services.get(message.recipient);
      if (routingKey === undefined) return { kind: 'permanent', reason: 'no such service' };
      try {
        const answer = await callHttps({
          url: eventsUrl,
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ routing_key: routingKey, ...eventOf(message, idempotencyKey) }),
          signal,
          ...(ca === undefined ? {} : { ca }),
        });
        return outcomeOf(answer, now());
      } catch (error) {
        return outcomeOfError(error);
      }
    },
  };
}

function eventOf(message: Notification, idempotencyKey: string): object {
  const { alarm, event, earlierReceipt } = message;
  const action = ACTIONS[event] ?? 'trigger';
  const key = { event_action: action, dedup_key: (earlierReceipt ?? alarm?.id ?? idempotencyKey).slice(0, KEY_MAX) };
  return action === 'trigger' ? { ...key, ...triggerOf(message, idempotencyKey) } : key;
}

/**
 * All else triggers. While the incident is open that is a line in its timeline and pages nobody again: who is paged next,
 * and when, PagerDuty knows. A condition that has ended does not resolve: the alarm waits for a person (latching).
 */
const ACTIONS: Partial<Record<Notification['event'], 'acknowledge' | 'resolve'>> = {
  acknowledged: 'acknowledge',
  resolved: 'resolve',
};

/** "Maximum permitted length of this property is 255 characters", and 1024 for the summary. */
const KEY_MAX = 255;
const SUMMARY_MAX = 1_024;

function triggerOf(message: Notification, idempotencyKey: string): object {
  const { subject, text, fields, alarm, wallUrl } = message;
  return {
    payload: {
      summary: subject.slice(0, SUMMARY_MAX),
      source: 'HealthSync',
      severity: severityOf(message),
      ...(alarm === undefined ? {} : { timestamp: new Date(alarm.raisedAtMs).toISOString(), class: alarm.kind }),
      // The key of the attempt, so that both sides find the same message in their records.
      custom_details: { ...fields, text, delivery: idempotencyKey },
    },
    client: 'HealthSync',
    ...(wallUrl === undefined ? {} : { client_url: wallUrl, links: [{ href: wallUrl, text: 'The wall' }] }),
  };
}

function severityOf({ event, alarm, fields: { priority } }: Notification): 'critical' | 'error' | 'warning' | 'info' {
  if (event === 'ended' || event === 'test' || event === 'verification') return 'info';
  const urgency = alarm?.priority ?? priority;
  return urgency === 'high' ? 'critical' : urgency === 'medium' ? 'error' : 'warning';
}

/**
 * 202 is all there is of success: whether somebody was paged, PagerDuty tells by webhook. 400 means the event, or the
 * integration key in it, is wrong (docs/events-api-v2: "Check that the JSON is valid", not to be tried again).
 */
function outcomeOf(answer: HttpsAnswer, nowMs: number): DeliveryOutcome {
  const outcome = outcomeOfStatus(answer, nowMs);
  if (outcome.kind !== 'delivered') return outcome;
  const said = jsonOf(answer) as { readonly dedup_key?: unknown } | undefined;
  // Any other 2xx comes from something on the way.
  if (answer.status !== 202) return { kind: 'transient', reason: `HTTP ${answer.status}` };
  const key = said?.dedup_key;
  return typeof key === 'string' && key.length <= KEY_MAX ? { kind: 'delivered', receipt: key } : { kind: 'delivered' };
}
