import type { Priority } from './alarm.ts';
import type { VitalName } from './vital.ts';

/** A limit on one vital: the condition is present while the value is beyond it. */
export interface LimitRule {
  /** `heartRate.above.high`: vital, side and priority, so that a patient's own rule replaces the default of that name. */
  readonly id: string;
  readonly version: number;
  readonly vital: VitalName;
  readonly comparison: 'above' | 'below';
  /** Canonical unit of the vital; the limit itself is still within. */
  readonly limit: number;
  readonly priority: Priority;
  /** A switched-off rule replaces the default and never rings; needs a reason, kept with the change. */
  readonly off?: boolean;
}
