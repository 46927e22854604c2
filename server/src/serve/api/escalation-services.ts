import type { EscalationDefinition } from '../../domain/escalation-round.ts';
import type { EscalationTimes } from '../../domain/escalation-times.ts';
import type { StaffDirectory } from '../../escalation/staff-directory.ts';
import type { RegistryView } from '../../identity/registry-view.ts';
import type { ActOutcome, ActRequest, AlarmStore } from '../../ports/alarm-store.ts';
import type { CareTeams } from '../../ports/care-teams.ts';
import type { Escalations } from '../../ports/escalations.ts';
import type { Outbox } from '../../ports/outbox.ts';
import type { Rotas } from '../../ports/rotas.ts';
import type { Definition } from '../../workflow/language/definition.ts';

/** What rotas, care teams and escalation need over HTTP. */
export interface EscalationServices {
  readonly view: () => RegistryView;
  readonly rotas: Rotas;
  readonly teams: CareTeams;
  readonly directory: StaffDirectory;
  readonly escalations: Pick<Escalations, 'rounds'>;
  readonly alarms: Pick<AlarmStore, 'find'>;
  readonly act: (request: Omit<ActRequest, 'atMs'>) => Promise<ActOutcome>;
  readonly deliveries: Outbox['deliveries'];
  readonly definitions: ReadonlyMap<EscalationDefinition, Definition>;
  readonly times: EscalationTimes;
  /** IANA name: where nobody has said otherwise. */
  readonly zone: string;
  readonly newId: () => string;
  readonly now: () => number;
}
