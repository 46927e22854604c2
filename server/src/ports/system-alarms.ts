import type { Priority } from '../domain/alarm.ts';
import type { TenantId } from '../domain/ids.ts';

/**
 * Technical alarms of the installation itself: no patient's. A channel that does not deliver, a gap in a rota, a
 * watchdog that heard nothing. They ring at once, also while the database is away, on the wall's own line, in the API
 * and on the health page.
 */
export interface SystemAlarms {
  /**
   * Raises it, or, while it is open, brings its text and priority up to date. `id` names what is wrong, the same every
   * time it is noticed: `channel.smtp.failing`, `rota.W3.gap`. One that was cleared and comes again begins anew.
   */
  raise(alarm: {
    readonly id: string;
    /** The kind of trouble, for counting: `channel.failing`, `rota.gap`. */
    readonly rule: string;
    readonly priority: Priority;
    /** For the people on the wall: what is wrong and what to do. No patient data, no addresses. */
    readonly text: string;
    /** Speaks of this organisation, and is told to it alone. Absent: the installation's, and everybody's. */
    readonly tenantId?: TenantId;
  }): void;
  /** What was wrong is over. Harmless where nothing is raised. */
  clear(id: string): void;
}

export interface SystemAlarm {
  readonly id: string;
  readonly rule: string;
  readonly priority: Priority;
  /** Of what is told like an alarm and is none. */
  readonly subject?: string;
  readonly text: string;
  readonly state: 'active' | 'cleared';
  readonly raisedAtMs: number;
  readonly clearedAtMs?: number;
  readonly acknowledgedAtMs?: number;
  readonly acknowledgedBy?: string;
  readonly tenantId?: TenantId;
}

/** Where they are kept. An alarm is one row per id and raising. */
export interface SystemAlarmStore {
  put(alarm: SystemAlarm): Promise<void>;
  /** Newest first. `open`: not cleared. */
  list(query: { readonly open?: boolean; readonly limit: number }): Promise<readonly SystemAlarm[]>;
}
