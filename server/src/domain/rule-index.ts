import type { PatientId, TenantId, WardId } from './ids.ts';
import type { RuleOverride, RulePlace, RuleSnapshot } from './rule-place.ts';
import type { RuleLayer } from './rules-in-force.ts';

/** The rules of house, wards and patients as of one moment, by whom they hold for. */
export interface RuleIndex {
  /** The same for two places exactly if the same rules hold there. */
  keyOf(place: Place | undefined): string;
  /** What lies above the defaults, the most specific last. */
  layersOf(place: Place | undefined): readonly RuleLayer[];
  /** When the next override begins or ends. */
  readonly dueMs: number;
}

interface Place {
  readonly id: PatientId;
  readonly tenantId?: TenantId;
  readonly wardId?: WardId;
}

export function ruleIndex(snapshot: RuleSnapshot | undefined, atMs: number): RuleIndex {
  const sets = new Map((snapshot?.sets ?? []).map((set) => [nameOf(set.place), set]));
  const overrides = new Map<string, RuleOverride[]>();
  let dueMs = Number.POSITIVE_INFINITY;
  for (const override of snapshot?.overrides ?? []) {
    const { fromMs, untilMs, place } = override;
    if (fromMs > atMs) dueMs = Math.min(dueMs, fromMs);
    else if (untilMs > atMs) {
      dueMs = Math.min(dueMs, untilMs);
      const name = nameOf(place);
      overrides.set(name, [...(overrides.get(name) ?? []), override]);
    }
  }

  /** House, ward, patient: those of them that have anything. */
  function namesOf(place: Place | undefined): readonly string[] {
    if (place === undefined) return [HOUSE];
    const house = nameOf({ scope: 'house', ...(place.tenantId !== undefined && { tenantId: place.tenantId }) });
    return place.wardId === undefined ? [house, `p ${place.id}`] : [house, `w ${place.wardId}`, `p ${place.id}`];
  }

  return {
    keyOf(place) {
      let key = '';
      for (const name of namesOf(place)) {
        const set = sets.get(name);
        if (set !== undefined) key += `${name}:${set.revision};`;
        const over = overrides.get(name);
        if (over !== undefined) key += `${over.map(({ id }) => id).join(',')};`;
      }
      return key;
    },
    layersOf: (place) =>
      namesOf(place).flatMap((name): RuleLayer[] => {
        const set = sets.get(name);
        const scope = name.startsWith(HOUSE) ? 'house' : name.startsWith('w') ? 'ward' : 'patient';
        return [
          ...(set === undefined ? [] : [{ scope, rules: set.rules } as const]),
          ...(overrides.get(name) ?? []).map(({ rule, untilMs }) => ({ scope, rules: [rule], untilMs }) as const),
        ];
      }),
    dueMs,
  };
}

const HOUSE = 'h';

function nameOf(place: RulePlace): string {
  switch (place.scope) {
    case 'house':
      return place.tenantId === undefined ? HOUSE : `${HOUSE} ${place.tenantId}`;
    case 'ward':
      return `w ${place.wardId}`;
    case 'patient':
      return `p ${place.patientId}`;
    default:
      return place satisfies never;
  }
}
