import type * as Shown from '@healthsync/contracts/rota';
import type { OnCall, RotaLayer, RotaSpan } from '../domain/rota.ts';
import type { RotaWarning } from '../domain/rota-check.ts';
import type { KeptOverride, KeptRota } from '../ports/rotas.ts';
import { rfc3339 } from './alert-shape.ts';

/** Display names by user id. */
export type NameOf = (userId: string) => string | undefined;

export function toRota({ setAtMs, layers, wardIds, ...rota }: KeptRota): Shown.Rota {
  return { ...rota, wardIds: [...wardIds], layers: layers.map(toLayer), setAt: rfc3339(setAtMs) };
}

/** Said alike inside and outside, but for arrays that nobody may write to. */
function toLayer({ people, hours, ...layer }: RotaLayer): Shown.RotaLayer {
  return {
    ...layer,
    people: [...people],
    ...(hours !== undefined && { hours: hours.map((each) => ({ ...each, weekdays: [...each.weekdays] })) }),
  };
}

export function toOnCall(onCall: OnCall, nameOf: NameOf): Shown.OnCall {
  return {
    layer: onCall.layer,
    by: onCall.by,
    ...('userId' in onCall && { userId: onCall.userId, ...named(onCall.userId, nameOf) }),
    ...(onCall.untilMs !== undefined && { until: rfc3339(onCall.untilMs) }),
  };
}

export function toSpan(span: RotaSpan, nameOf: NameOf): Shown.RotaSpan {
  return {
    layer: span.layer,
    by: span.by,
    ...(span.by !== 'nobody' && { userId: span.userId, ...named(span.userId, nameOf) }),
    ...(span.by === 'override' && { overrideId: span.overrideId }),
    from: rfc3339(span.fromMs),
    to: rfc3339(span.toMs),
  };
}

export function toOverride({
  id,
  layer,
  userId,
  fromMs,
  toMs,
  reason,
  madeBy,
  madeAtMs,
}: KeptOverride): Shown.RotaOverride {
  return { id, layer, userId, from: rfc3339(fromMs), to: rfc3339(toMs), reason, madeBy, madeAt: rfc3339(madeAtMs) };
}

export function toWarning({ code, layer, userId, fromMs, toMs, text }: RotaWarning): Shown.RotaWarning {
  return {
    code,
    text,
    ...(layer !== undefined && { layer }),
    ...(userId !== undefined && { userId }),
    ...(fromMs !== undefined && { from: rfc3339(fromMs) }),
    ...(toMs !== undefined && { to: rfc3339(toMs) }),
  };
}

function named(userId: string, nameOf: NameOf) {
  const name = nameOf(userId);
  return name === undefined ? {} : { name };
}
