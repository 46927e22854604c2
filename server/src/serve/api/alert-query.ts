import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import { type AlarmPlace, placeInWorklist } from '../../domain/alarm-order.ts';
import { type AlarmId, parsePatientId, parseWardId } from '../../domain/ids.ts';
import type { RegistryView } from '../../identity/registry-view.ts';
import type { Principal } from '../../identity/sessions.ts';
import { type AlarmQuery, UNPLACED_WARD } from '../../ports/alarm-store.ts';
import type { FieldError } from '../problem.ts';
import { patientsBeside, seesWard, wardsToShow } from '../ward-scope.ts';
import { Id, Instant, parseInstant } from './parameters.ts';

const ALERTS_DEFAULT = 200;
/** A page: about half a megabyte. */
const ALERTS_MAX = 1_000;

const OnePriority = Type.Enum(['high', 'medium', 'low']);

export const AlertQuery = Type.Object(
  {
    patient: Type.Optional(Id),
    ward: Type.Optional(
      Type.String({
        pattern: '^(~none|[A-Za-z0-9_-][A-Za-z0-9._-]{0,63})$',
        description: 'Where the patients lie now; `~none`: those without a bed.',
      }),
    ),
    state: Type.Optional(Type.Enum(['active', 'resolved'])),
    priority: Type.Optional(
      Type.Union([OnePriority, Type.Array(OnePriority, { maxItems: 3 })], { description: 'May be repeated.' }),
    ),
    unacknowledged: Type.Optional(
      Type.Boolean({ description: '`true`: that nobody has; `false`: that somebody has.' }),
    ),
    mine: Type.Optional(Type.Boolean({ description: '`true`: that the caller owns.' })),
    from: Type.Optional(Instant),
    to: Type.Optional(Instant),
    order: Type.Optional(
      Type.Enum(['newest', 'worklist'], {
        description:
          '`newest` (default), or `worklist`: active ones only, unacknowledged first, then snoozed, then acknowledged; in each by priority and waiting time.',
      }),
    ),
    cursor: Type.Optional(Type.String({ maxLength: 200, description: '`next` of the page before, same query else.' })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: ALERTS_MAX })),
  },
  { additionalProperties: false },
);
type AlertQuery = Static<typeof AlertQuery>;

export type ParsedAlertQuery =
  | { readonly kind: 'query'; readonly query: AlarmQuery }
  | { readonly kind: 'other-ward' }
  | { readonly kind: 'invalid'; readonly errors: readonly FieldError[] };

/** What the caller asks for, within the wards that are theirs to see. */
export function parseAlertQuery(asked: AlertQuery, principal: Principal, view: RegistryView): ParsedAlertQuery {
  const ward = asked.ward === UNPLACED_WARD ? UNPLACED_WARD : parseWardId(asked.ward);
  if (ward !== undefined && !seesWard(principal, ward)) return { kind: 'other-ward' };
  const { state, unacknowledged, mine, order = 'newest', limit = ALERTS_DEFAULT } = asked;
  const errors: FieldError[] = [];
  const read = <T>(field: 'from' | 'to' | 'cursor', parse: (text: string) => T | undefined, detail: string) => {
    const text = asked[field];
    const value = text === undefined ? undefined : parse(text);
    if (text !== undefined && value === undefined)
      errors.push({ code: field === 'cursor' ? 'invalid-cursor' : 'invalid-time', field, detail });
    return value;
  };
  const fromMs = read('from', parseInstant, 'must be RFC 3339 with a zone, or ms');
  const toMs = read('to', parseInstant, 'must be RFC 3339 with a zone, or ms');
  const after = read(
    'cursor',
    (text) => parseCursor(text, order),
    'must be `next` of the page before, same query else',
  );
  // To rank every alarm there ever was would cost more with every day.
  if (order === 'worklist' && state === 'resolved')
    errors.push({ code: 'invalid-value', field: 'order', detail: 'a worklist is of active alarms' });
  if (errors.length > 0) return { kind: 'invalid', errors };
  const patientId = parsePatientId(asked.patient);
  const wardIds = wardsToShow(principal, ward);
  const besides = patientsBeside(principal, { wardIds, isNarrowed: ward !== undefined, view });
  const query: AlarmQuery = {
    order,
    limit,
    ...(patientId !== undefined && { patientId }),
    ...(wardIds !== undefined && { wardIds }),
    ...(besides.length > 0 && { besides }),
    ...((state !== undefined || order === 'worklist') && { open: state !== 'resolved' }),
    ...(asked.priority !== undefined && { priorities: [asked.priority].flat() }),
    ...(unacknowledged !== undefined && { unacknowledged }),
    ...(mine === true && { ownerId: principal.userId }),
    ...(fromMs !== undefined && { fromMs }),
    ...(toMs !== undefined && { toMs }),
    ...(after !== undefined && { after }),
  };
  return { kind: 'query', query };
}

/** Where the next page begins: opaque to the caller, and of no use in another order. */
export function cursorAfter(alarm: Parameters<typeof placeInWorklist>[0], order: AlarmQuery['order']): string {
  const { rank, raisedAtMs, id } = placeInWorklist(alarm);
  return Buffer.from(JSON.stringify([order ?? 'newest', rank, raisedAtMs, id])).toString('base64url');
}

const Cursor = Type.Tuple([
  Type.Enum(['newest', 'worklist']),
  Type.Integer({ minimum: 0, maximum: 1_000 }),
  Type.Integer({ minimum: 0, maximum: 8.64e15 }),
  Id,
]);

function parseCursor(text: string, order: AlarmQuery['order']): AlarmPlace | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
    if (!Value.Check(Cursor, value) || value[0] !== order) return undefined;
    return { rank: value[1], raisedAtMs: value[2], id: value[3] as AlarmId };
  } catch {
    return undefined;
  }
}
