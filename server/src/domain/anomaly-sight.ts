import type { PersonMemory, RoleMemory } from './anomaly-memory.ts';
import type { RecordedEntry } from './audit-entry.ts';
import type { SecurityAlertKind, SecurityReason } from './security-alert.ts';

/** What is known besides the entry, of the moment it speaks of. */
export interface WatchFacts {
  /** Of whoever did it; empty: not known here. */
  readonly roles: readonly string[];
  /** `unplanned`: nobody plans their shifts. */
  readonly shift: 'on' | 'off' | 'unplanned';
  /** What clocks in the house showed. */
  readonly local: { readonly day: number; readonly hour: number };
  /** The patient was in their care by the ward's plan, then. */
  readonly isInCare: boolean;
  /** What they are to the patient outside of work. */
  readonly relation?: Relation;
  /** Specially protected. */
  readonly isVip: boolean;
  /** Where the address is, if the settings say so. */
  readonly place?: NetworkPlace;
}

export type Relation =
  | { readonly kind: 'own' }
  | { readonly kind: 'same-address' }
  /** `patients`: of how many patients it is the name. */
  | { readonly kind: 'same-family-name'; readonly patients: number };

/** Whose addresses these are, and where. Without coordinates: anywhere, such as a VPN. */
export interface NetworkPlace {
  readonly site: string;
  readonly latitude?: number;
  readonly longitude?: number;
}

/** One entry as the detectors look at it. */
export interface Sight {
  readonly entry: RecordedEntry;
  readonly facts: WatchFacts;
  readonly role: RoleMemory | undefined;
  readonly isService: boolean;
  /** It opened, or changed, what is known of one patient. */
  readonly opens: boolean;
}

/** What a detector makes of an entry: what it remembers from now on, and what it noticed. */
export interface Seen {
  readonly memory: PersonMemory;
  readonly noticed?: Noticed;
}

export interface Noticed {
  readonly kind: SecurityAlertKind;
  /** What of one kind and key comes again within `forMs` is added to what was told. */
  readonly key: string;
  readonly forMs: number;
  readonly score: number;
  readonly reasons: readonly SecurityReason[];
  /** Places of the entries it rests on, besides the present one. */
  readonly evidence?: readonly number[];
  readonly patientId?: string;
  /** Whoever is named by the entry only found it. */
  readonly isNobodys?: true;
}

export type Detector = (memory: PersonMemory, sight: Sight) => Seen;

/** Actions with which one looks at one patient, or at what was done with them. */
const LOOKING = new Set([
  'patient.read',
  'vitals.read',
  'alarm.read',
  'consent.read',
  'audit.read',
  'access.explain',
  'break-glass.use',
]);
const CHANGING = new Set(['patient.write', 'limits.write', 'consent.write', 'vip.set', 'vip.lift']);

/** Whether an entry says that somebody opened, or wanted to open, what is known of one patient. */
export function opensPatient(entry: RecordedEntry): boolean {
  const { action, patientId } = entry;
  if (patientId === undefined || isBegin(entry)) return false;
  return LOOKING.has(action) || CHANGING.has(action) || action.startsWith('command.patient.');
}

/** Of what changes something there are two entries: how it ended is the one that counts. */
export function isBegin({ detail }: Pick<RecordedEntry, 'detail'>): boolean {
  const { phase } = detail ?? {};
  return phase === 'begin';
}

/** Done under an emergency access, which is reviewed by itself. */
export function isEmergency({ action, detail }: Pick<RecordedEntry, 'action' | 'detail'>): boolean {
  const { emergencyAccess } = detail ?? {};
  return emergencyAccess !== undefined || action === 'break-glass.use';
}

/** Reads that belong to the work of whoever watches over access. */
export const isOversight = (action: string): boolean => action === 'audit.read' || action === 'access.explain';

export function reason(code: string, text: string, numbers?: Readonly<Record<string, number>>): SecurityReason {
  return { code, text, ...(numbers !== undefined && { numbers }) };
}
