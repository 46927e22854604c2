import type { SystemAlarm as Shown } from '@healthsync/contracts/system-alarm';
import type { SystemAlarm } from '../ports/system-alarms.ts';
import { rfc3339 } from './alert-shape.ts';

/** An alarm of the installation as the API and the live stream show it. */
export function toSystemAlarm(alarm: SystemAlarm): Shown {
  const { id, rule, priority, text, state, raisedAtMs, clearedAtMs, acknowledgedAtMs, acknowledgedBy } = alarm;
  return {
    id,
    rule,
    priority,
    text,
    state,
    raisedAt: rfc3339(raisedAtMs),
    ...(clearedAtMs !== undefined && { clearedAt: rfc3339(clearedAtMs) }),
    ...(acknowledgedAtMs !== undefined && { acknowledgedAt: rfc3339(acknowledgedAtMs) }),
    ...(acknowledgedBy !== undefined && { acknowledgedBy }),
  };
}
