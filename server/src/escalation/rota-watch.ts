import type { EscalationWorld } from '../domain/escalation.ts';
import { DEFAULT_TENANT, type UserId } from '../domain/ids.ts';
import { type RotaInForce, type RotaWarning, rotaWarnings } from '../domain/rota-check.ts';
import { repeat } from '../pacing/repeating.ts';
import type { SystemAlarms } from '../ports/system-alarms.ts';
import type { StaffDirectory } from './staff-directory.ts';

/** Rings about rotas before they are needed: nobody on call in the coming days, or somebody nobody can reach. */
export function watchRotas(parts: {
  readonly directory: StaffDirectory;
  readonly systemAlarms: SystemAlarms;
  readonly now: () => number;
  readonly onError: (error: unknown) => void;
  readonly everyMs?: number;
}): { readonly stop: () => Promise<void> } {
  const { directory, systemAlarms, now, onError, everyMs = EVERY_MS } = parts;
  let ringing = new Set<string>();

  async function look(): Promise<void> {
    const world = await directory.worldOf({});
    const still = new Set<string>();
    for (const one of world.rotas) {
      const warning = firstWarning(one, world, now());
      if (warning === undefined) continue;
      const id = `rota.${one.rota.id}`;
      still.add(id);
      systemAlarms.raise({
        tenantId: one.rota.tenantId ?? DEFAULT_TENANT,
        id,
        rule: `rota.${warning.code}`,
        // Now it is an escalation that finds nobody; before, it is time to ask somebody.
        priority: (warning.fromMs ?? 0) <= now() ? 'medium' : 'low',
        text: `Rota ${one.rota.name}: ${warning.text}, ${when(warning, now())}. See to the rota.`,
      });
    }
    for (const id of ringing) if (!still.has(id)) systemAlarms.clear(id);
    ringing = still;
  }

  return repeat(look, { everyMs, onError });
}

function firstWarning(one: RotaInForce, world: EscalationWorld, nowMs: number): RotaWarning | undefined {
  const people = {
    isKnown: (userId: UserId) => world.people.has(userId),
    isReachable: (userId: UserId) => (world.contacts.get(userId)?.length ?? 0) > 0,
  };
  const warnings = rotaWarnings(one, people, { fromMs: nowMs, toMs: nowMs + AHEAD_MS });
  return warnings.find(({ code }) => RINGS.includes(code));
}

/** A double booking is for whoever plans; what leaves an alarm without anybody rings. */
const RINGS: readonly RotaWarning['code'][] = ['gap', 'unknown-person', 'unreachable'];

function when({ fromMs = 0 }: RotaWarning, nowMs: number): string {
  return fromMs <= nowMs ? 'now' : `from ${new Date(fromMs).toISOString().slice(0, 16)}Z`;
}

const EVERY_MS = 300_000;
/** As far as overrides are read (`staff-directory.ts`): the weekend is seen coming on Friday. */
const AHEAD_MS = 2 * 86_400_000;
