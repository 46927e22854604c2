import type { AlarmEvent } from '@healthsync/contracts/event';
import { cutEvent, type EventDetail } from '../domain/alarm-event.ts';
import type { StoredEvent } from '../ports/alarm-events.ts';

/** The version of `AlarmEventData` that is sent. */
export const ALARM_EVENT_VERSION = 1;

/** The event as it leaves the house: CloudEvents 1.0.2, with no more in it than the detail lets through. */
export function cloudEvent({ id, position, atMs, facts }: StoredEvent, detail: EventDetail): AlarmEvent {
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
