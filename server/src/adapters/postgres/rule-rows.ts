import type { PatientId, TenantId, WardId } from '../../domain/ids.ts';
import type { News2Use } from '../../domain/news2-use.ts';
import type { Rule } from '../../domain/rule.ts';
import type {
  News2Decision,
  News2Version,
  RuleOverride,
  RulePlace,
  RuleProposal,
  RuleVersion,
  SeenBurden,
  Signed,
} from '../../ports/rule-sets.ts';

/** How rules lie in rows, and come out of them. */
export function keyOf(place: RulePlace): readonly [scope: string, scopeId: string] {
  switch (place.scope) {
    case 'house':
      return ['house', place.tenantId ?? ''];
    case 'ward':
      return ['ward', place.wardId];
    case 'patient':
      return ['patient', place.patientId];
    default:
      return place satisfies never;
  }
}

export interface PlaceRow {
  readonly scope: string;
  readonly scope_id: string;
}

export function placeOf({ scope, scope_id }: PlaceRow): RulePlace {
  if (scope === 'ward') return { scope, wardId: scope_id as WardId };
  if (scope === 'patient') return { scope, patientId: scope_id as PatientId };
  return { scope: 'house', ...(scope_id !== '' && { tenantId: scope_id as TenantId }) };
}

/** The version is the row's, not the body's. */
export function bodyOf({ version: _, ...body }: Rule): string {
  return JSON.stringify(body);
}

export function ruleOf(body: object, version: number): Rule {
  return { ...body, version } as Rule;
}

export interface VersionRow extends PreviewRow {
  readonly rule_id: string;
  readonly version: number;
  readonly revision: number;
  readonly body: object | null;
  readonly set_by: string;
  readonly confirmed_by: string | null;
  readonly reason: string;
  readonly set_at: number;
}

export function toVersion(row: VersionRow): RuleVersion {
  return {
    ruleId: row.rule_id,
    version: row.version,
    revision: row.revision,
    ...(row.body === null ? {} : { rule: ruleOf(row.body, row.version) }),
    ...(row.preview === null ? {} : { preview: row.preview }),
    ...signed(row),
  };
}

export interface OverrideRow extends PlaceRow {
  readonly id: string;
  readonly body: object;
  readonly from_at: number;
  readonly until_at: number;
  readonly set_by: string;
  readonly confirmed_by: string | null;
  readonly reason: string;
  readonly set_at: number;
}

export function toOverride(row: OverrideRow): RuleOverride & Signed {
  return {
    id: row.id,
    place: placeOf(row),
    rule: ruleOf(row.body, 1),
    fromMs: row.from_at,
    untilMs: row.until_at,
    ...signed(row),
  };
}

interface PreviewRow {
  readonly preview: SeenBurden | null;
}

export interface ProposalRow extends PlaceRow, PreviewRow {
  readonly id: string;
  readonly rule_id: string;
  readonly body: object | null;
  readonly news2: News2Decision | null;
  readonly from_at: number | null;
  readonly until_at: number | null;
  readonly base_version: number;
  readonly effect: string;
  readonly asked_by: string;
  readonly asked_by_id: string;
  readonly reason: string;
  readonly asked_at: number;
  readonly expires_at: number;
  readonly state: 'open' | 'confirmed' | 'refused' | 'superseded';
  readonly decided_by: string | null;
  readonly decided_at: number | null;
}

/** One that nobody decided in time has expired, whatever its row says. */
export function toProposal(row: ProposalRow, nowMs: number): RuleProposal {
  return {
    id: row.id,
    place: placeOf(row),
    ruleId: row.rule_id,
    ...(row.body === null ? {} : { rule: ruleOf(row.body, row.base_version + 1) }),
    ...(row.news2 === null ? {} : { news2: row.news2 }),
    ...(row.from_at === null || row.until_at === null
      ? {}
      : { override: { fromMs: row.from_at, untilMs: row.until_at } }),
    effect: row.effect,
    askedBy: row.asked_by,
    askedById: row.asked_by_id,
    reason: row.reason,
    askedAtMs: row.asked_at,
    expiresAtMs: row.expires_at,
    ...(row.preview === null ? {} : { preview: row.preview }),
    state: row.state === 'open' && nowMs >= row.expires_at ? 'expired' : row.state,
    ...(row.decided_by === null ? {} : { decidedBy: row.decided_by }),
    ...(row.decided_at === null ? {} : { decidedAtMs: row.decided_at }),
  };
}

export interface News2Row {
  readonly version: number;
  readonly spo2_scale: 1 | 2;
  readonly news2_use: 'by-age' | Extract<News2Use, { kind: 'off' }>['why'];
  readonly set_by: string;
  readonly confirmed_by: string | null;
  readonly reason: string;
  readonly set_at: number;
}

export function toNews2Version({ version, spo2_scale: spo2Scale, news2_use: use, ...row }: News2Row): News2Version {
  return {
    version,
    spo2Scale,
    use: use === 'by-age' ? { kind: use } : { kind: 'off', why: use },
    ...signed(row),
  };
}

function signed(row: Pick<VersionRow, 'set_by' | 'confirmed_by' | 'reason' | 'set_at'>): Signed {
  return {
    by: row.set_by,
    ...(row.confirmed_by === null ? {} : { confirmedBy: row.confirmed_by }),
    reason: row.reason,
    atMs: row.set_at,
  };
}
