import type { Role } from '../domain/access.ts';
import type { TenantId } from '../domain/ids.ts';
import type { SecurityAlert, SecurityAlertKind } from '../domain/security-alert.ts';
import type { User } from '../ports/accounts.ts';
import type { Contacts } from '../ports/contacts.ts';
import type { Outbox } from '../ports/outbox.ts';
import type { SecurityAlerts } from '../ports/security-alerts.ts';

/** Who watches for attacks; who answers for privacy is told where nobody else can be. */
const TOLD: readonly Role[] = ['security', 'privacy-officer'];
const AT_ONCE = 50;

/**
 * Tells whoever watches over access, by their own contacts, of every alert that is not low. Never on the wall: whom it is
 * about would read it there. Once for each alert and how serious it got; tried again until it is in the outbox. Answers
 * how many messages were ordered.
 */
export async function tellSecurity(parts: {
  readonly alerts: Pick<SecurityAlerts, 'untold' | 'markTold'>;
  readonly users: () => Promise<readonly User[]>;
  readonly contacts: Pick<Contacts, 'of'>;
  readonly outbox: Pick<Outbox, 'enqueueSystem'>;
  readonly nowMs: number;
}): Promise<number> {
  const { alerts, outbox, nowMs } = parts;
  const waiting = await alerts.untold(AT_ONCE);
  if (waiting.length === 0) return 0;
  const users = (await parts.users()).filter(({ disabledAtMs }) => disabledAtMs === undefined);
  let ordered = 0;
  for (const alert of waiting) {
    const people = await recipients(users, alert, parts.contacts);
    const { id, tenantId, severity } = alert;
    const told = {
      id: `security.${tenantId}.${id}.${severity}`,
      rule: 'security-alert',
      priority: severity,
      text: textOf(alert),
      state: 'active',
      raisedAtMs: alert.firstAtMs,
    } as const;
    ordered += await outbox.enqueueSystem(told, people, nowMs);
    await alerts.markTold({ id, tenantId, severity });
  }
  return ordered;
}

/**
 * The person it is about is not told that they are watched. Whoever was given wards cannot open it, alerts being of all
 * wards, and is told where nobody is reached who can.
 */
async function recipients(users: readonly User[], alert: SecurityAlert, contacts: Pick<Contacts, 'of'>) {
  const others = users.filter(
    ({ id, tenantId }) => (tenantId ?? DEFAULT) === alert.tenantId && id !== alert.person?.userId,
  );
  const tiers = [true, false].flatMap((opensIt) => TOLD.map((role) => ({ opensIt, role })));
  for (const { opensIt, role } of tiers) {
    const ids = others
      .filter(({ roles, wardIds }) => roles.includes(role) && (wardIds.length === 0) === opensIt)
      .map(({ id }) => id);
    const found = await contacts.of(ids);
    if (found.length > 0) return found.map(({ channel, address, userId }) => ({ channel, recipient: address, userId }));
  }
  return [];
}

const DEFAULT = 'default' as TenantId;

/** No patient, no name, no number: what it is about is read on the page. */
function textOf({ kind, severity }: SecurityAlert): string {
  return `Security alert (${severity}): ${KIND_WORDS[kind]}. See Security in HealthSync.`;
}

const KIND_WORDS: Readonly<Record<SecurityAlertKind, string>> = {
  'too-many-patients': 'more patients’ records opened than usual',
  'unusual-hour': 'records opened at an unusual hour',
  'own-record': 'somebody’s own record opened',
  vip: 'a specially protected record opened',
  neighbour: 'the record of a neighbour or relative opened',
  'impossible-travel': 'one account at two places at once',
  'export-volume': 'more data handed out than usual',
  'repeated-denials': 'refused again and again',
  'break-glass-rate': 'many records opened in an emergency',
  'audit-altered': 'the audit log was altered',
  'phi-leak': 'patients’ data found where none may be',
};
