import { PatientLimits, PutLimits, type LimitRule as ShownLimit } from '@healthsync/contracts/patient';
import type { FastifyInstance } from 'fastify';
import { parsePatientId } from '../../domain/ids.ts';
import { principalOf } from '../access-gate.ts';
import { invalid, notFound } from '../problem.ts';
import { ownRules, type RuleChain, readRuleChain, showProposal } from '../rule-chain.ts';
import { readRules } from '../rule-shape.ts';
import { writeRules, writerOf } from '../rule-writing.ts';
import type { Services } from '../services.ts';
import type { Api } from '../validation.ts';
import { notFromThis, sendVersioned, versionFrom } from '../version-match.ts';
import { visiblePatient } from '../ward-scope.ts';
import { IdPath } from './parameters.ts';

/** The limits a patient is judged by: the part of the rules most people change. Changing them needs a reason, which is kept. */
export function registerLimits(app: FastifyInstance, services: Services): void {
  const { view, ruleSets, now } = services;
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
      if (place === undefined) return notFound(reply, 'patient');
      const chain = await readRuleChain(ruleSets, { scope: 'patient', patientId: place.id }, place, now());
      return sendVersioned(reply, chain.own.revision, { rules: limitsShown(chain), version: chain.own.revision });
    },
  );

  api.put(
    '/api/patients/:id/limits',
    {
      config: { action: 'limits.write' },
      schema: {
        summary: 'Replace a patient’s own limits; rules not named go back to what the ward has',
        tags: ['limits'],
        params: IdPath,
        body: PutLimits,
        response: { 200: PatientLimits },
      },
    },
    async (request, reply) => {
      const principal = principalOf(request);
      const id = parsePatientId(request.params.id);
      const patient = id && visiblePatient(principal, view(), id);
      if (patient === undefined) return notFound(reply, 'patient');
      const { reason, rules, version } = request.body;
      const from = versionFrom(request, version);
      const read = readRules(
        rules.map((limit) => ({
          ...limit,
          kind: 'limit',
          id: `${limit.vital}.${limit.comparison}.${limit.priority}`,
        })),
      );
      if (read.kind === 'invalid') return invalid(reply, read.errors);
      const place = { scope: 'patient', patientId: patient.id } as const;
      const chain = await readRuleChain(ruleSets, place, patient, now());
      // Own rules of other kinds are not limits: they stay.
      const others = ownRules(chain).filter(({ kind }) => kind !== 'limit');
      const outcome = await writeRules(services, {
        chain,
        rules: [...read.rules, ...others],
        who: writerOf(principal),
        reason,
        expectedRevision: from ?? 0,
      });
      if (outcome.kind === 'changed-meanwhile')
        return notFromThis(reply, from, { ...outcome, version: outcome.revision });
      if (outcome.kind === 'refused')
        return invalid(
          reply,
          outcome.problems.filter(({ severity }) => severity === 'error'),
        );
      const after = await readRuleChain(ruleSets, place, patient, now());
      const open = await ruleSets.proposals({ place, open: true, limit: 100, nowMs: now() });
      const asker = { userId: principal.userId, mayWrite: true };
      return sendVersioned(reply, after.own.revision, {
        rules: limitsShown(after),
        version: after.own.revision,
        waiting: open.map((each) => showProposal(each, asker)),
      });
    },
  );
}

/** The patient's own limits first, then those they leave standing. */
export function limitsShown({ inForce }: RuleChain): ShownLimit[] {
  const limits = inForce.flatMap(({ rule, scope, untilMs }): ShownLimit[] => {
    if (rule.kind !== 'limit') return [];
    const { kind: _, note: __, ...limit } = rule;
    return [{ ...limit, source: scope, ...(untilMs === undefined ? {} : { until: new Date(untilMs).toISOString() }) }];
  });
  return limits.sort((a, b) => Number(b.source === 'patient') - Number(a.source === 'patient'));
}
