import type { EmergencyAccess, EmergencyAccesses } from '../../ports/emergency-accesses.ts';

/** Emergency access that is remembered as long as the process: for tests. */
export function memoryEmergencyAccesses(): EmergencyAccesses {
  const all = new Map<string, EmergencyAccess>();
  const isRunning = ({ beganAtMs, endsAtMs, endedAtMs }: EmergencyAccess, atMs: number) =>
    beganAtMs <= atMs && atMs < endsAtMs && (endedAtMs === undefined || atMs < endedAtMs);
  return {
    async begin(access) {
      all.set(access.id, access);
    },
    running: async (nowMs) => [...all.values()].filter((access) => isRunning(access, nowMs)),
    async end({ id, by, atMs }) {
      const access = all.get(id);
      if (access === undefined || access.endedAtMs !== undefined || !isRunning(access, atMs)) return false;
      all.set(id, { ...access, endedAtMs: atMs, endedBy: by });
      return true;
    },
    async review({ id, ...review }) {
      const access = all.get(id);
      if (access === undefined) return { kind: 'not-found' };
      if (access.userId === review.byId) return { kind: 'own' };
      if (access.review !== undefined) return { kind: 'already-reviewed', access };
      const reviewed = { ...access, review };
      all.set(id, reviewed);
      return { kind: 'reviewed', access: reviewed };
    },
    find: async (id) => all.get(id),
    async list({ isReviewed, limit, after }) {
      const direction = isReviewed ? -1 : 1;
      const order = (a: Place, b: Place) =>
        direction * (a.beganAtMs - b.beganAtMs || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
      return [...all.values()]
        .filter((access) => (access.review !== undefined) === isReviewed)
        .filter((access) => after === undefined || order(access, after) > 0)
        .sort(order)
        .slice(0, limit);
    },
    async overdue(beganBeforeMs) {
      const late = [...all.values()].filter(
        ({ review, beganAtMs }) => review === undefined && beganAtMs < beganBeforeMs,
      );
      return [...new Set(late.map(({ tenantId }) => tenantId))].sort();
    },
  };
}

type Place = Pick<EmergencyAccess, 'id' | 'beganAtMs'>;
