import type { PatientId, TenantId, UserId } from '../domain/ids.ts';
import { type RegistryView, wardNameIn } from '../identity/registry-view.ts';
import type { EmergencyAccess, EmergencyAccesses, EmergencyReviewOutcome } from '../ports/emergency-accesses.ts';
import type { SystemAlarm, SystemAlarms } from '../ports/system-alarms.ts';
import type { Decision, Decisions, Subject } from './decisions.ts';

/** Opening a patient's record in an emergency: with a reason and a fresh proof, for a short time, loudly, reviewed after. */
export interface EmergencyDesk {
  open(request: {
    readonly principal: Subject;
    /** As they sign. */
    readonly signed: string;
    readonly patientId: PatientId;
    readonly reason: string;
    readonly forMs?: number;
  }): Promise<EmergencyOutcome>;
  end(request: { readonly id: string; readonly by: string }): Promise<boolean>;
  review(request: Omit<Parameters<EmergencyAccesses['review']>[0], 'atMs'>): Promise<EmergencyReviewOutcome>;
  /** Of one person, that run now. */
  runningOf(userId: UserId): readonly EmergencyAccess[];
  find: EmergencyAccesses['find'];
  list: EmergencyAccesses['list'];
  /** Brings alarms and facts in line with what is kept; called at every notice and now and then. */
  refresh(): Promise<void>;
}

export type EmergencyOutcome =
  | { readonly kind: 'opened'; readonly access: EmergencyAccess }
  | { readonly kind: 'not-found' }
  /** Nothing stands in their way, or nothing that this would open. */
  | { readonly kind: 'not-needed' }
  | { readonly kind: 'refused'; readonly decision: Decision }
  | { readonly kind: 'too-many' };

export const EMERGENCY_BOUNDS = {
  /** Long enough for a resuscitation and its papers; who needs longer asks again. */
  longestMs: 3_600_000,
  /** At once and of one person: a bus accident's share. More is somebody collecting records. */
  perPersonMax: 10,
  /** A privacy officer's weekend. */
  reviewWithinMs: 72 * 3_600_000,
} as const;
export type EmergencyBounds = { readonly [Name in keyof typeof EMERGENCY_BOUNDS]: number };

export const EMERGENCY_RULE = 'emergency-access';
const OVERDUE_RULE = 'emergency-access.review-overdue';

export function createEmergencyDesk(options: {
  readonly accesses: EmergencyAccesses;
  readonly decisions: Decisions;
  readonly view: () => RegistryView;
  readonly systemAlarms: SystemAlarms & { open(): readonly SystemAlarm[] };
  /** What runs now, for whoever decides. */
  readonly onRunning: (running: readonly EmergencyAccess[]) => void;
  readonly newId: () => string;
  readonly now: () => number;
  readonly bounds?: Partial<EmergencyBounds>;
}): EmergencyDesk {
  const { accesses, decisions, view, systemAlarms, onRunning, newId, now } = options;
  const bounds: EmergencyBounds = { ...EMERGENCY_BOUNDS, ...options.bounds };
  let running: readonly EmergencyAccess[] = [];

  async function refresh(): Promise<void> {
    const nowMs = now();
    const [current, overdue] = await Promise.all([
      accesses.running(nowMs),
      accesses.overdue(nowMs - bounds.reviewWithinMs),
    ]);
    running = current;
    onRunning(current);
    for (const access of current) ring(access);
    for (const tenantId of overdue) ringOverdue(tenantId);
    const ids = new Set([...current.map(alarmIdOf), ...overdue.map(overdueIdOf)]);
    // What another process, or this one before a restart, rang for and is over.
    for (const { id, rule } of systemAlarms.open())
      if ((rule === EMERGENCY_RULE || rule === OVERDUE_RULE) && !ids.has(id)) systemAlarms.clear(id);
  }

  /** For those alone who can review it. */
  function ringOverdue(tenantId: TenantId): void {
    systemAlarms.raise({
      tenantId,
      id: overdueIdOf(tenantId),
      rule: OVERDUE_RULE,
      priority: 'low',
      text: `An emergency access has waited for its review for more than ${bounds.reviewWithinMs / 3_600_000} hours. Privacy officer: review it.`,
    });
  }

  /** Loud, for everybody: without the patient. */
  function ring(access: EmergencyAccess): void {
    const ward = wardNameIn(view(), access.wardId);
    systemAlarms.raise({
      tenantId: access.tenantId,
      id: alarmIdOf(access),
      rule: EMERGENCY_RULE,
      priority: 'low',
      text: `${access.signed} has opened a patient’s record in an emergency${ward === undefined ? '' : ` (${ward})`}. A privacy officer will review it.`,
    });
  }

  return {
    async open({ principal, signed, patientId, reason, forMs }) {
      const place = view().place(patientId);
      if (place === undefined) return { kind: 'not-found' };
      const resource = { kind: 'patient', patientId } as const;
      const permission = decisions.decide({ principal, action: 'break-glass.use', resource });
      if (!permission.allowed) return { kind: 'refused', decision: permission };
      if (!OPENED.some((action) => decisions.decide({ principal, action, resource }).obligation === 'break-glass'))
        return { kind: 'not-needed' };
      const nowMs = now();
      const own = running.filter(({ userId, endsAtMs }) => userId === principal.userId && nowMs < endsAtMs);
      if (own.length >= bounds.perPersonMax) return { kind: 'too-many' };
      const access: EmergencyAccess = {
        id: newId(),
        tenantId: principal.tenantId,
        userId: principal.userId,
        signed,
        patientId,
        ...(place.wardId !== undefined && { wardId: place.wardId }),
        reason,
        proof: principal.mfaAtMs === undefined ? 'password' : 'second-factor',
        beganAtMs: nowMs,
        endsAtMs: nowMs + Math.min(forMs ?? bounds.longestMs, bounds.longestMs),
      };
      await accesses.begin(access);
      running = [...running, access];
      onRunning(running);
      ring(access);
      return { kind: 'opened', access };
    },
    async end({ id, by }) {
      const wasRunning = await accesses.end({ id, by, atMs: now() });
      running = running.filter((access) => access.id !== id);
      onRunning(running);
      systemAlarms.clear(alarmIdOf({ id }));
      return wasRunning;
    },
    review: (request) => accesses.review({ ...request, atMs: now() }),
    runningOf(userId) {
      const nowMs = now();
      return running.filter((access) => access.userId === userId && nowMs < access.endsAtMs);
    },
    find: (id) => accesses.find(id),
    list: (query) => accesses.list(query),
    refresh,
  };
}

/** What may stand behind a wall that an emergency opens. */
const OPENED = ['patient.read', 'vitals.read', 'alarm.read', 'limits.write', 'patient.write'] as const;

const alarmIdOf = ({ id }: Pick<EmergencyAccess, 'id'>): string => `${EMERGENCY_RULE}.${id}`;
const overdueIdOf = (tenantId: TenantId): string => `${OVERDUE_RULE}.${tenantId}`;
