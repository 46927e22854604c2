/** The words of access: who asks, and for what. Who may what is in `access/policies`, decided by `access/decisions.ts`. */

/** What one is here. A person may be several things at once; one that permits is enough. */
export const ROLES = [
  'nurse',
  'charge-nurse',
  'physician',
  /** Manages people, wards and rotas; sees nothing of patients. */
  'admin',
  /** Keeps the installation running. */
  'operator',
  /** Works with what names and points to nobody. */
  'analyst',
  /** Reviews who looked at what, and why. */
  'privacy-officer',
  /** Watches for attacks. */
  'security',
  /** A screen on the corridor. */
  'kiosk',
  /** Another system, under its own name. */
  'integration',
  /** What its certificate says it is; nobody is given this. */
  'device',
] as const;
export type Role = (typeof ROLES)[number];

/** What an account can be given. */
export const ACCOUNT_ROLES: readonly Role[] = ROLES.filter((role) => role !== 'device');

/**
 * Everything one can ask to do, in words for a privacy officer, and whether it opens what is known of patients
 * (identifiers, values, alarms by bed): of those a device has none, and an administrator and an analyst neither.
 */
export const ACTIONS = {
  'wall.watch': { words: 'watch the wall: beds, values, alarms; no names', isOfPatients: true },
  'patient.read': { words: 'read a patient’s name, number, bed', isOfPatients: true },
  'patient.write': { words: 'change a patient’s record', isOfPatients: true },
  'vitals.read': { words: 'read a patient’s values and how they are judged', isOfPatients: true },
  'alarm.read': { words: 'read alarms', isOfPatients: true },
  'alarm.acknowledge': { words: 'take, hand on, silence and note alarms', isOfPatients: true },
  'alarm.escalate': { words: 'call for more people at once', isOfPatients: true },
  'limits.write': { words: 'change a patient’s or a ward’s limits', isOfPatients: true },
  'rejected.read': { words: 'read readings that were refused', isOfPatients: true },
  'rejected.replay': { words: 'try refused readings again, or put them aside', isOfPatients: true },
  'break-glass.use': { words: 'open a patient’s record in an emergency, with a reason', isOfPatients: true },
  'deidentified.read': { words: 'work with data that points to nobody', isOfPatients: false },
  'rota.read': { words: 'read rotas and care teams', isOfPatients: false },
  'rota.write': { words: 'change rotas', isOfPatients: false },
  'team.write': { words: 'change care teams', isOfPatients: false },
  'rules.read': { words: 'read alarm rules', isOfPatients: false },
  'rules.write': { words: 'change the house’s alarm rules', isOfPatients: false },
  'device.read': { words: 'see devices and their certificates', isOfPatients: false },
  'device.write': { words: 'configure and command devices', isOfPatients: false },
  'device.enroll': { words: 'invite devices, and let their keys in or refuse them', isOfPatients: false },
  'reading.send': { words: 'send readings', isOfPatients: false },
  'user.read': { words: 'see accounts', isOfPatients: false },
  'user.write': { words: 'make, change and disable accounts', isOfPatients: false },
  'ward.write': { words: 'make, name and remove wards and beds', isOfPatients: false },
  'operations.read': { words: 'see how the installation runs', isOfPatients: false },
  'channel.write': { words: 'change channels and what leaves the house', isOfPatients: false },
  'system-alarm.acknowledge': { words: 'take an alarm of the installation', isOfPatients: false },
  'consent.read': { words: 'see what a patient has consented to', isOfPatients: false },
  'consent.write': { words: 'record a patient’s consent, and revoke it', isOfPatients: false },
  'break-glass.review': { words: 'review emergency access', isOfPatients: false },
  'access.explain': { words: 'ask why somebody may see something', isOfPatients: false },
  'key.read': { words: 'see how many keys there are and what wraps them; never a key', isOfPatients: false },
  'audit.read': { words: 'read the audit', isOfPatients: false },
  'security-alert.read': { words: 'see what watching over access has noticed', isOfPatients: false },
  'security-alert.close': { words: 'look into security alerts and say how they ended', isOfPatients: false },
  'leak-scan.run': { words: 'search for patients’ data where none may be', isOfPatients: false },
  'vip.set': { words: 'protect a patient’s record specially', isOfPatients: false },
  'vip.lift': { words: 'lift the special protection of a patient’s record', isOfPatients: false },
  'own.leave': { words: 'sign out', isOfPatients: false },
  'own.reach': { words: 'say where one is told, make keys, let apps act for one', isOfPatients: false },
  'own.use': { words: 'use one’s own account: session, contacts, quiet hours', isOfPatients: false },
} as const satisfies Readonly<Record<string, { readonly words: string; readonly isOfPatients: boolean }>>;
export type Action = keyof typeof ACTIONS;

export const ACTION_NAMES = Object.keys(ACTIONS) as readonly Action[];

/** An entry of the audit may also be of what no policy is asked about. */
export const isAction = (name: string): name is Action => Object.hasOwn(ACTIONS, name);

/** What something is done for. Said by the caller, or understood from what is asked. */
export const PURPOSES = ['treatment', 'emergency', 'operations', 'research', 'sharing'] as const;
export type Purpose = (typeof PURPOSES)[number];

/** What something is done for where nobody says otherwise. */
export const usualPurposeOf = (action: Action): Purpose => (ACTIONS[action].isOfPatients ? 'treatment' : 'operations');
