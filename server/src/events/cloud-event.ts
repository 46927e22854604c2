import type { AlarmEvent, SecurityAlertEvent } from '@healthsync/contracts/event';
import { type AlarmEventFacts, cutEvent, type EventDetail } from '../domain/alarm-event.ts';
import type { SecurityEventFacts } from '../domain/security-event.ts';
import type { StoredEvent } from '../ports/alarm-events.ts';

/** The version of `AlarmEventData` that is sent. */
export const ALARM_EVENT_VERSION = 1;

/** The version of `SecurityAlertEventData` that is sent. */
export const SECURITY_EVENT_VERSION = 1;

/** The event as it leaves the house: CloudEvents 1.0.2, with no more in it than the detail lets through. */
export function cloudEvent(event: StoredEvent, detail: EventDetail): AlarmEvent | SecurityAlertEvent {
  return 'about' in event.facts ? securityCloudEvent(event, event.facts) : alarmCloudEvent(event, event.facts, detail);
}

/** Whom it is about, and which patient, is read in the house: the same for every receiver. */
function securityCloudEvent({ id, position, atMs }: StoredEvent, facts: SecurityEventFacts): SecurityAlertEvent {
  const { about: _, tenantId: __, reasons, ...data } = facts;
  return {
    specversion: '1.0',
    id,
    source: 'urn:healthsync:security',
    type: `org.healthsync.security-alert.${facts.change}.v${SECURITY_EVENT_VERSION}`,
    subject: facts.alertId,
    time: new Date(atMs).toISOString(),
    datacontenttype: 'application/json',
    dataschema: `urn:healthsync:schema:security-alert-event:v${SECURITY_EVENT_VERSION}`,
    sequence: String(position),
    data: { ...data, reasons: [...reasons] },
  };
}

export function alarmCloudEvent(
  { id, position, atMs }: Pick<StoredEvent, 'id' | 'position' | 'atMs'>,
  facts: AlarmEventFacts,
  detail: EventDetail,
): AlarmEvent {
  return {
    specversion: '1.0',
    id,
    source: 'urn:healthsync:alarms',
    type: `org.healthsync.alarm.${facts.change}.v${ALARM_EVENT_VERSION}`,
    subject: facts.alarmId,
    time: new Date(atMs).toISOString(),
    datacontenttype: 'application/json',
    dataschema: `urn:healthsync:schema:alarm-event:v${ALARM_EVENT_VERSION}`,
    sequence: String(position),
    data: { ...cutEvent(facts, detail) },
  };
}
