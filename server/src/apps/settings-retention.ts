import { Type } from 'typebox';
import { variable } from './setting-variable.ts';

/**
 * How long what happened is kept. Where nobody says otherwise, for good: there is no archive yet into which it could go
 * before, and a record of who was told is not for a program to throw away.
 */
export const RETENTION_SETTINGS = {
  vitalsRetentionDays: days(
    'HEALTHSYNC_VITALS_RETENTION_DAYS',
    'How many days the history of vitals is kept; then whole days are dropped, without a copy.',
  ),
  deliveryRetentionDays: days(
    'HEALTHSYNC_DELIVERY_RETENTION_DAYS',
    'How many days is kept who was told of an alarm, and by which channel, once both are over.',
  ),
  workflowRetentionDays: days(
    'HEALTHSYNC_WORKFLOW_RETENTION_DAYS',
    'How many days the history of an escalation is kept once it has ended.',
  ),
};

/** At most ten years: whoever wants longer wants it for good. At least a week: previews and reports look back so far. */
function days(name: string, description: string) {
  return Type.Integer({
    ...variable(name, 'a whole number of days, 7 to 3650, or 0'),
    minimum: 0,
    maximum: 3_650,
    not: { minimum: 1, maximum: 6 },
    default: 0,
    description: `${description} 0: for good.`,
  });
}
