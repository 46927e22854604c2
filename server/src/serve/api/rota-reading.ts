import type { RotaSchedule } from '@healthsync/contracts/rota';
import type { FastifyReply } from 'fastify';
import type { EscalationWorld } from '../../domain/escalation.ts';
import { parseRotaId, type UserId } from '../../domain/ids.ts';
import { type Rota, rotaSpans } from '../../domain/rota.ts';
import { type RotaInForce, rotaWarnings } from '../../domain/rota-check.ts';
import type { Interval } from '../../domain/zoned-time.ts';
import type { Principal } from '../../identity/sessions.ts';
import type { KeptRota } from '../../ports/rotas.ts';
import { rfc3339 } from '../alert-shape.ts';
import { sendProblem } from '../problem.ts';
import { type NameOf, toOverride, toRota, toSpan, toWarning } from '../rota-shape.ts';
import { seesWard, seesWholeHouse } from '../ward-scope.ts';
import type { EscalationServices } from './escalation-services.ts';

/** What every route of rotas asks. */
export function rotaReader({ rotas, directory }: Pick<EscalationServices, 'rotas' | 'directory'>) {
  async function inForce(period: Interval): Promise<readonly (RotaInForce & { readonly rota: KeptRota })[]> {
    const [all, overrides] = await Promise.all([rotas.list(), rotas.overrides(period)]);
    return all.map((rota) => ({ rota, overrides: overrides.filter(({ rotaId }) => rotaId === rota.id) }));
  }

  return {
    inForce,
    /** One that is not retired. */
    async find(text: string): Promise<KeptRota | undefined> {
      const id = parseRotaId(text);
      const rota = id === undefined ? undefined : await rotas.find(id);
      return rota?.retired === true ? undefined : rota;
    },
    async schedule(rota: KeptRota, { fromMs, toMs }: Interval): Promise<RotaSchedule> {
      const [others, all, world] = await Promise.all([
        inForce({ fromMs, toMs }),
        rotas.overrides({ fromMs, toMs }),
        directory.worldOf({}),
      ]);
      const overrides = all.filter(({ rotaId }) => rotaId === rota.id);
      return {
        rota: toRota(rota),
        from: rfc3339(fromMs),
        to: rfc3339(toMs),
        spans: rotaSpans(rota, overrides, { fromMs, toMs }).map((span) => toSpan(span, namesIn(world))),
        overrides: overrides.map(toOverride),
        warnings: rotaWarnings({ rota, overrides }, peopleIn(world), { fromMs, toMs }, others).map(toWarning),
      };
    },
    async knownUsers(): Promise<ReadonlySet<string>> {
      return new Set((await directory.worldOf({})).people.keys());
    },
  };
}

/** Whoever looks after some wards only writes rotas for these; one for the whole house is not theirs. */
export function writesRota(principal: Principal, { wardIds }: Pick<Rota, 'wardIds'>): boolean {
  if (seesWholeHouse(principal)) return true;
  return wardIds.length > 0 && wardIds.every((wardId) => seesWard(principal, wardId));
}

export function otherWard(reply: FastifyReply): FastifyReply {
  return sendProblem(reply, { status: 403, code: 'other-ward', detail: 'For wards that are not yours.' });
}

export function namesIn({ people }: Pick<EscalationWorld, 'people'>): NameOf {
  return (userId) => people.get(userId as UserId)?.displayName;
}

export function peopleIn({ people, contacts }: Pick<EscalationWorld, 'people' | 'contacts'>) {
  return {
    isKnown: (userId: UserId) => people.has(userId),
    isReachable: (userId: UserId) => (contacts.get(userId)?.length ?? 0) > 0,
  };
}
