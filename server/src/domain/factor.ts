import type { Role } from './access.ts';

/** What somebody has shown to prove who they are. */
export type Factor =
  | 'password'
  | 'totp'
  | 'passkey'
  | 'recovery'
  /** Another provider vouches for them. */
  | 'federated'
  | 'private-key-jwt'
  | 'api-key';

/** What can be shown besides a password. A recovery code stands in for a lost one, once. */
export const SECOND_FACTORS = ['passkey', 'totp', 'recovery'] as const;
export type SecondFactor = (typeof SECOND_FACTORS)[number];

export type NextStep =
  | { readonly kind: 'done' }
  | { readonly kind: 'second-factor'; readonly methods: readonly SecondFactor[] }
  /** Their roles demand a second factor, and they have none yet. */
  | { readonly kind: 'enrol' };

/**
 * What is still to be shown after the first factor. Whoever has a second factor is always asked for it, whatever their
 * roles demand: otherwise taking a role away would open the account to whoever has the password.
 */
export function nextStep(asked: {
  readonly roles: readonly Role[];
  readonly rolesWithSecondFactor: readonly Role[];
  readonly methods: readonly SecondFactor[];
}): NextStep {
  const { roles, rolesWithSecondFactor, methods } = asked;
  if (methods.some((method) => method !== 'recovery')) return { kind: 'second-factor', methods };
  return demandsSecondFactor(roles, rolesWithSecondFactor) ? { kind: 'enrol' } : { kind: 'done' };
}

export function demandsSecondFactor(roles: readonly Role[], rolesWithSecondFactor: readonly Role[]): boolean {
  return roles.some((role) => rolesWithSecondFactor.includes(role));
}

/** Whether a second factor was shown within the last `maxAgeMs`. A time to come counts as never shown. */
export function isFresh(shownAtMs: number | undefined, nowMs: number, maxAgeMs: number): boolean {
  return shownAtMs !== undefined && shownAtMs <= nowMs && nowMs - shownAtMs <= maxAgeMs;
}
