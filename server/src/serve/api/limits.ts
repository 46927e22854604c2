import { PatientLimits, PutLimits, type LimitRule as ShownRule } from '@healthsync/contracts/patient';
import type { FastifyInstance } from 'fastify';
import { parsePatientId } from '../../domain/ids.ts';
import { changeLimits } from '../../domain/limit-change.ts';
import { DEFAULT_LIMITS, type LimitRule } from '../../domain/threshold.ts';
import { principalOf } from '../access-gate.ts';
import { invalid, notFound } from '../problem.ts';
import type { Services } from '../services.ts';
import { signatureOf } from '../signature.ts';
import type { Api } from '../validation.ts';
import { visiblePatient } from '../ward-scope.ts';
import { IdPath } from './parameters.ts';

/** The limits a patient is judged by. Changing them needs a reason, which is kept. */
export function registerLimits(app: FastifyInstance, { view, registry, refreshView, now }: Services): void {
  const api = app as unknown as Api;

  api.get(
    '/api/patients/:id/limits',
    {
      config: { action: 'vitals.read' },
      schema: { summary: 'Limits in force', tags: ['limits'], params: IdPath, response: { 200: PatientLimits } },
    },
    async (request, reply) => {
      const id = parsePatientId(request.params.id);
      const place = id && visiblePatient(principalOf(request), view(), id);
      return place === undefined ? notFound(reply, 'patient') : reply.send({ rules: rulesShown(place.limits) });
    },
  );

  api.put(
    '/api/patients/:id/limits',
    {
      config: { action: 'limits.write' },
      schema: {
        summary: 'Replace a patient’s own limits; rules not named go back to the default',
        tags: ['limits'],
        params: IdPath,
        body: PutLimits,
        response: { 200: PatientLimits },
      },
    },
    async (request, reply) => {
      const principal = principalOf(request);
      const id = parsePatientId(request.params.id);
      const place = id && visiblePatient(principal, view(), id);
      if (place === undefined) return notFound(reply, 'patient');
      const change = changeLimits(place.limits, request.body.rules);
      if (change.kind === 'refused') return invalid(reply, change.problems);
      await registry.putLimits({
        patientId: place.id,
        rules: change.rules,
        remove: change.remove,
        by: signatureOf(principal),
        reason: request.body.reason,
        atMs: now(),
      });
      // So that whoever asks next, and the next reading, meets the new limits.
      await refreshView();
      return reply.send({ rules: rulesShown(view().place(place.id)?.limits ?? change.rules) });
    },
  );
}

/** The patient's own rules, and the defaults they leave standing. */
export function rulesShown(own: readonly LimitRule[]): ShownRule[] {
  const ownIds = new Set(own.map((rule) => rule.id));
  return [
    ...own.map((rule) => ({ ...rule, source: 'patient' as const })),
    ...DEFAULT_LIMITS.filter((rule) => !ownIds.has(rule.id)).map((rule) => ({ ...rule, source: 'default' as const })),
  ];
}
