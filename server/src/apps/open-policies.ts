import { openHousePolicies } from '../access/house-policies.ts';
import { openPolicies, type Policies } from '../access/policy-files.ts';
import { rolesGoBy } from '../access/role-decisions.ts';
import { Failure } from '../ports/failure.ts';
import type { Settings } from './settings.ts';

/** By which policies this process decides: the program's own, and a house's beside them where it has any. */
export interface OpenedPolicies {
  readonly policies: Policies;
  /** For the audit of what it was started with: a changed file is seen there. */
  readonly audited: Readonly<Record<string, string>>;
}

/** Before anything else is opened: with a policy that does not hold together nothing starts. */
export function openPoliciesOf({ policiesFolder }: Pick<Settings, 'policiesFolder'>): OpenedPolicies {
  if (policiesFolder === undefined) return { policies: openPolicies(), audited: {} };
  const { policies, count, digest } = openedOrRefused(policiesFolder);
  rolesGoBy(policies);
  return { policies, audited: { housePolicies: `${count}, sha256 ${digest}` } };
}

function openedOrRefused(folder: string): ReturnType<typeof openHousePolicies> {
  try {
    return openHousePolicies(folder);
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause);
    throw new Failure('configuration-invalid', `HEALTHSYNC_POLICIES: ${problem}`, { retryable: false, cause });
  }
}
