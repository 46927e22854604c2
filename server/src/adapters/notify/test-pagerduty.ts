import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { startVendor, type VendorAnswer, type VendorRequest } from './test-vendor.ts';

export const ROUTING_KEY = 'e93facc04764012d7bfb002500d5d1a6';

interface PagerDutyEvent {
  readonly event_action: 'trigger' | 'acknowledge' | 'resolve';
  readonly dedup_key?: string;
  readonly payload?: {
    readonly summary?: string;
    readonly severity?: string;
    readonly custom_details?: { readonly delivery?: string };
  };
}

/**
 * PagerDuty's Events API v2 on loopback, as its description (github.com/PagerDuty/api-schema, events-v2) and its pages
 * (developer.pagerduty.com/docs/send-alert-event) have it, closed: what they do not name is refused. Keeps incidents, so
 * that a test can ask what became of one.
 */
export async function startPagerDuty() {
  const events: PagerDutyEvent[] = [];
  const incidents = new Map<string, { status: 'triggered' | 'acknowledged' | 'resolved'; alerts: number }>();
  const vendor = await startVendor({
    answer: (request) => answer(request, events, incidents),
    unwell: {
      refuse: invalid("Length of 'routing_key' is incorrect (should be 32 characters)"),
      busy: { status: 500, body: { status: 'error', message: 'Internal Server Error', errors: [] } },
    },
  });
  return {
    ...vendor,
    eventsUrl: new URL('/v2/enqueue', vendor.url),
    events: events as readonly PagerDutyEvent[],
    incidents,
  };
}

type Incidents = Map<string, { status: 'triggered' | 'acknowledged' | 'resolved'; alerts: number }>;

function answer(request: VendorRequest, events: PagerDutyEvent[], incidents: Incidents): VendorAnswer {
  if (request.path !== '/v2/enqueue') return { status: 404 };
  if (request.method !== 'POST') return { status: 405 };
  if (!/^application\/json\b/.test(request.headers['content-type'] ?? '')) return { status: 415 };
  const event = parsed(request.body);
  if (!Event.Check(event)) return invalid('Event object is invalid');
  if (event.routing_key !== ROUTING_KEY) return invalid('Invalid routing key');
  const key = event.dedup_key ?? `made-${events.length}`;
  events.push(event as PagerDutyEvent);
  apply(incidents, key, event.event_action);
  return { status: 202, body: { status: 'success', message: 'Event processed', dedup_key: key } };
}

/** "Subsequent trigger events with the same dedup_key are deduplicated"; of an unknown key the others do nothing. */
function apply(incidents: Incidents, key: string, action: 'trigger' | 'acknowledge' | 'resolve'): void {
  const incident = incidents.get(key);
  if (action === 'trigger') {
    if (incident === undefined || incident.status === 'resolved')
      incidents.set(key, { status: 'triggered', alerts: 1 });
    else incident.alerts++;
  } else if (incident !== undefined && incident.status !== 'resolved')
    incident.status = action === 'resolve' ? 'resolved' : 'acknowledged';
}

const closed = { additionalProperties: false } as const;
const Key = {
  routing_key: Type.String({ minLength: 32, maxLength: 32 }),
  dedup_key: Type.String({ minLength: 1, maxLength: 255 }),
};
const HttpsUrl = Type.String({ pattern: '^https://', maxLength: 2_048 });
const Event = Compile(
  Type.Union([
    Type.Object(
      {
        ...Key,
        dedup_key: Type.Optional(Key.dedup_key),
        event_action: Type.Literal('trigger'),
        payload: Type.Object(
          {
            summary: Type.String({ minLength: 1, maxLength: 1_024 }),
            source: Type.String({ minLength: 1 }),
            severity: Type.Enum(['critical', 'error', 'warning', 'info']),
            timestamp: Type.Optional(
              Type.String({ pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}(Z|[+-]\\d{4})$' }),
            ),
            component: Type.Optional(Type.String()),
            group: Type.Optional(Type.String()),
            class: Type.Optional(Type.String()),
            custom_details: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
          },
          closed,
        ),
        client: Type.Optional(Type.String()),
        client_url: Type.Optional(HttpsUrl),
        links: Type.Optional(Type.Array(Type.Object({ href: HttpsUrl, text: Type.Optional(Type.String()) }, closed))),
        images: Type.Optional(
          Type.Array(
            Type.Object({ src: HttpsUrl, href: Type.Optional(HttpsUrl), alt: Type.Optional(Type.String()) }, closed),
          ),
        ),
      },
      closed,
    ),
    Type.Object({ ...Key, event_action: Type.Enum(['acknowledge', 'resolve']) }, closed),
  ]),
);

function invalid(error: string): VendorAnswer {
  return { status: 400, body: { status: 'invalid event', message: 'Event object is invalid', errors: [error] } };
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}
