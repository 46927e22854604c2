import type { WardTeam } from '../domain/care-team.ts';
import { type RegistryView, registryView } from '../identity/registry-view.ts';
import type { RegistrySnapshot } from '../ports/registry.ts';
import type { EmergencyProof, RunningEmergency } from './access-facts.ts';
import { createDecisions } from './cedar-decisions.ts';
import { heldFacts } from './held-facts.ts';
import { openPolicies } from './policy-files.ts';

/** The repository's own policies over whatever registry, plans and emergencies a test holds. */
export function testAccess(
  options: {
    readonly view?: () => RegistryView;
    readonly now?: () => number;
    readonly policyFolder?: string;
    readonly emergencyProof?: EmergencyProof;
  } = {},
) {
  const view = options.view ?? (() => EMPTY);
  const facts = heldFacts(view, undefined, options.emergencyProof);
  const counts = { memory: 0, same: 0, policies: 0 };
  const access = createDecisions({
    policies: openPolicies(options.policyFolder),
    facts,
    now: options.now ?? Date.now,
    hooks: { decided: (from) => void counts[from]++ },
  });
  return {
    access,
    facts,
    /** Where decisions came from. */
    counts,
    hold: (held: { readonly teams?: readonly WardTeam[]; readonly emergencies?: readonly RunningEmergency[] }) =>
      facts.hold({ teams: held.teams ?? [], emergencies: held.emergencies ?? [] }),
  };
}

const NOTHING: RegistrySnapshot = {
  wards: [],
  beds: [],
  patients: [],
  devices: [],
  assignments: [],
  revokedSerials: [],
  deviceTokens: [],
};
const EMPTY = registryView(NOTHING, 0);
