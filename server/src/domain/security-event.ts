import { DEFAULT_TENANT } from './ids.ts';
import type { SecurityAlert } from './security-alert.ts';

/**
 * What happened to a security alert, as other systems are told it: that there is one, how serious, and how it ended. Who
 * it is about and which patient is read in the house, by those who may.
 */
export interface SecurityEventFacts {
  readonly about: 'security-alert';
  readonly alertId: string;
  readonly change: 'raised' | 'worsened' | 'looked-at' | 'closed';
  readonly kind: SecurityAlert['kind'];
  readonly severity: SecurityAlert['severity'];
  readonly score: number;
  readonly state: SecurityAlert['state'];
  /** Codes of the reasons. */
  readonly reasons: readonly string[];
  readonly count: number;
  readonly firstAt: string;
  readonly lastAt: string;
  readonly verdict?: NonNullable<SecurityAlert['closed']>['verdict'];
  readonly tenantId: string;
}

export function securityEvent(alert: SecurityAlert, change: SecurityEventFacts['change']): SecurityEventFacts {
  return {
    about: 'security-alert',
    alertId: alert.id,
    change,
    kind: alert.kind,
    severity: alert.severity,
    score: alert.score,
    state: alert.state,
    reasons: alert.reasons.map(({ code }) => code),
    count: alert.count,
    firstAt: new Date(alert.firstAtMs).toISOString(),
    lastAt: new Date(alert.lastAtMs).toISOString(),
    ...(alert.closed !== undefined && { verdict: alert.closed.verdict }),
    tenantId: alert.tenantId ?? DEFAULT_TENANT,
  };
}
