import { PatientVip, PutPatientVip } from '@healthsync/contracts/security-alert';
import type { FastifyInstance } from 'fastify';
import { type PatientId, parsePatientId } from '../../domain/ids.ts';
import type { RegistryView } from '../../identity/registry-view.ts';
import type { VipPatients } from '../../ports/vip-patients.ts';
import { principalOf } from '../access-gate.ts';
import { refusalOf } from '../access-refusal.ts';
import { rfc3339 } from '../alert-shape.ts';
import { noteAudit } from '../audited.ts';
import { decisionOn } from '../caller.ts';
import { invalid, notFound, sendProblem } from '../problem.ts';
import { signatureOf } from '../signature.ts';
import type { Api } from '../validation.ts';
import { visiblePatient } from '../ward-scope.ts';
import { IdPath } from './parameters.ts';

export interface VipServices {
  readonly vips: VipPatients;
  readonly view: () => RegistryView;
  /** So that the next decision rests on it. */
  readonly refreshView: () => Promise<unknown>;
  readonly now: () => number;
}

/** The special protection of a record. Set by whoever admits or treats; lifted by the privacy officer alone. */
export function registerVip(app: FastifyInstance, { vips, view, refreshView, now }: VipServices): void {
  const api = app as unknown as Api;
  const tags = ['patients'];

  api.get(
    '/api/patients/:id/vip',
    {
      config: { action: 'vip.set' },
      schema: {
        summary: 'Whether a patient’s record is specially protected, and why',
        tags,
        params: IdPath,
        response: { 200: PatientVip },
      },
    },
    async (request, reply) => {
      const id = parsePatientId(request.params.id);
      const place = id && visiblePatient(principalOf(request), view(), id);
      return place === undefined ? notFound(reply, 'patient') : reply.send(await shown(place.id));
    },
  );

  api.put(
    '/api/patients/:id/vip',
    {
      config: { action: 'vip.set' },
      schema: {
        summary: 'Protect a patient’s record specially, or lift that; with a reason',
        tags,
        params: IdPath,
        body: PutPatientVip,
        response: { 200: PatientVip },
      },
    },
    async (request, reply) => {
      const { isVip, reason } = request.body;
      const principal = principalOf(request);
      const id = parsePatientId(request.params.id);
      const place = id && visiblePatient(principal, view(), id);
      if (place === undefined) return notFound(reply, 'patient');
      if (reason.trim().length < 3)
        return invalid(reply, [{ code: 'invalid-value', field: 'reason', detail: 'at least 3 characters' }]);
      noteAudit(request, { patientId: place.id, detail: { isVip } });
      if (isVip) {
        await vips.set({
          patientId: place.id,
          sinceMs: now(),
          byId: principal.userId,
          by: signatureOf(principal),
          reason: reason.trim(),
        });
      } else {
        // Who could lift it to look, and set it again, would need no emergency.
        const decision = decisionOn(principal, { kind: 'patient', patientId: place.id }, 'vip.lift');
        if (!decision.allowed) return sendProblem(reply, refusalOf(decision));
        await vips.lift(place.id);
      }
      await refreshView();
      return reply.send(await shown(place.id));
    },
  );

  async function shown(patientId: PatientId): Promise<PatientVip> {
    const vip = await vips.find(patientId);
    if (vip === undefined) return { patientId, isVip: false };
    const { reason, by, sinceMs } = vip;
    return { patientId, isVip: true, ...(reason !== undefined && { reason }), by, since: rfc3339(sinceMs) };
  }
}
