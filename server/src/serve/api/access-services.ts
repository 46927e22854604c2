import type { Decisions } from '../../access/decisions.ts';
import type { EmergencyDesk } from '../../access/emergency-desk.ts';
import type { Policy } from '../../access/policy-files.ts';
import type { RegistryView } from '../../identity/registry-view.ts';
import type { User } from '../../ports/accounts.ts';

/** What the routes about access need. */
export interface AccessServices {
  readonly access: Decisions;
  readonly policies: ReadonlyMap<string, Policy>;
  readonly emergencies: EmergencyDesk;
  readonly users: () => Promise<readonly User[]>;
  readonly view: () => RegistryView;
  readonly now: () => number;
}
