/**
 * Who may do what: deny by default, each grant named here. Policies as data (Cedar) replace this table behind the same
 * question, `mayDo`.
 */
export type Role = 'nurse' | 'charge-nurse' | 'physician' | 'admin' | 'kiosk' | 'operator';

export type Action =
  | 'wall.watch'
  | 'patient.read'
  | 'patient.write'
  | 'vitals.read'
  | 'alarm.read'
  | 'alarm.acknowledge'
  | 'alarm.escalate'
  | 'rota.read'
  | 'rota.write'
  | 'team.write'
  | 'limits.write'
  | 'rules.read'
  | 'rules.write'
  | 'device.read'
  | 'device.write'
  | 'rejected.read'
  | 'rejected.replay'
  | 'user.write'
  | 'operations.read'
  | 'channel.write'
  | 'system-alarm.acknowledge';

const GRANTS: Readonly<Record<Role, readonly Action[]>> = {
  kiosk: ['wall.watch', 'alarm.read'],
  nurse: [
    'wall.watch',
    'patient.read',
    'vitals.read',
    'alarm.read',
    'alarm.acknowledge',
    'system-alarm.acknowledge',
    'alarm.escalate',
    'rota.read',
    'rules.read',
  ],
  'charge-nurse': [
    'wall.watch',
    'patient.read',
    'patient.write',
    'vitals.read',
    'alarm.read',
    'alarm.acknowledge',
    'system-alarm.acknowledge',
    'limits.write',
    'device.read',
    'rules.read',
    'alarm.escalate',
    'rota.read',
    'rota.write',
    'team.write',
  ],
  physician: [
    'wall.watch',
    'patient.read',
    'patient.write',
    'vitals.read',
    'alarm.read',
    'alarm.acknowledge',
    'system-alarm.acknowledge',
    'limits.write',
    'rules.read',
    'rules.write',
    'alarm.escalate',
    'rota.read',
    'rota.write',
  ],
  operator: [
    'device.read',
    'device.write',
    'rejected.read',
    'rejected.replay',
    'operations.read',
    'rules.read',
    'channel.write',
    'system-alarm.acknowledge',
  ],
  admin: [
    'device.read',
    'device.write',
    'rejected.read',
    'user.write',
    'operations.read',
    'channel.write',
    'system-alarm.acknowledge',
    'rota.read',
    'rota.write',
    'team.write',
    'rules.read',
    'rules.write',
  ],
};

export const ROLES = Object.keys(GRANTS) as readonly Role[];

export type Decision = { readonly allowed: true } | { readonly allowed: false; readonly roleNeeded: readonly Role[] };

/** The roles are those of one person; one that grants is enough. */
export function mayDo(roles: readonly Role[], action: Action): Decision {
  if (roles.some((role) => GRANTS[role].includes(action))) return { allowed: true };
  return { allowed: false, roleNeeded: ROLES.filter((role) => GRANTS[role].includes(action)) };
}
