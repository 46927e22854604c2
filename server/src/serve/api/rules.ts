import {
  LintResult,
  LintRules,
  News2Prescription,
  News2Versions,
  PutNews2,
  PutRules,
  RuleId,
  RuleProposal,
  RuleSetResponse,
  RuleVersions,
} from '@healthsync/contracts/rule';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { changeRules } from '../../domain/rule-change.ts';
import { principalOf } from '../access-gate.ts';
import { invalid, notFound, sendProblem } from '../problem.ts';
import {
  inheritedBy,
  iso,
  ownRules,
  readRuleChain,
  scopeIdOf,
  showDecision,
  showNews2,
  showOverride,
  showProposal,
  showSeen,
} from '../rule-chain.ts';
import { mayWriteRules, type VisiblePlace, visiblePlace } from '../rule-place.ts';
import { readRules, writeRule } from '../rule-shape.ts';
import { decideNews2, writeRules, writerOf } from '../rule-writing.ts';
import type { Services } from '../services.ts';
import type { Api } from '../validation.ts';
import { notFromThis, sendVersioned, versionFrom } from '../version-match.ts';
import { IdPath } from './parameters.ts';

/**
 * Alarm rules: of the house, of a ward, of a patient. Reading, checking and replacing them, with their versions. A PUT
 * says which revision it was made from, so that two editors do not overwrite each other.
 */
export function registerRules(app: FastifyInstance, services: Services): void {
  const api = app as unknown as Api;
  const { ruleSets, now } = services;

  for (const scope of ['house', 'ward', 'patient'] as const) {
    const path = PATHS[scope];
    const params = scope === 'house' ? NoPath : IdPath;
    const found = (request: FastifyRequest) =>
      visiblePlace(services, principalOf(request), scope, (request.params as { readonly id?: string }).id);

    api.get(
      path,
      {
        config: { action: scope === 'patient' ? 'vitals.read' : 'rules.read' },
        schema: {
          summary: `Alarm rules of ${WORDS[scope]}`,
          tags: ['rules'],
          params,
          response: { 200: RuleSetResponse },
        },
      },
      async (request, reply) => {
        const visible = found(request);
        return visible === undefined ? notFound(reply, scope) : sendSet(reply, request, visible);
      },
    );

    api.put(
      path,
      {
        config: { action: scope === 'house' ? 'rules.write' : 'limits.write' },
        schema: {
          summary: `Replace the alarm rules of ${WORDS[scope]}; loosening a critical one waits for a second person`,
          tags: ['rules'],
          params,
          body: PutRules,
          response: { 200: RuleSetResponse },
        },
      },
      async (request, reply) => {
        const visible = found(request);
        if (visible === undefined) return notFound(reply, scope);
        if (!mayWriteRules(principalOf(request), visible.place))
          return sendProblem(reply, {
            status: 403,
            code: 'other-ward',
            detail: 'The house’s rules hold in wards that are not yours, too.',
          });
        const { reason, rules, expectedRevision, preview: previewId } = request.body;
        const from = versionFrom(request, expectedRevision);
        const read = readRules(rules);
        if (read.kind === 'invalid') return invalid(reply, read.errors);
        const who = writerOf(principalOf(request));
        const seen =
          previewId === undefined
            ? undefined
            : services.shownPreviews.find({
                id: previewId,
                userId: who.userId,
                place: visible.place,
                rules: read.rules,
              });
        if (seen?.kind === 'not-seen') return invalid(reply, [seen.error]);
        const chain = await readRuleChain(ruleSets, visible.place, visible.patient, now());
        const outcome = await writeRules(services, {
          chain,
          rules: read.rules,
          who,
          reason,
          expectedRevision: from ?? 0,
          ...(seen === undefined ? {} : { preview: seen.burden }),
        });
        if (outcome.kind === 'changed-meanwhile')
          return notFromThis(reply, from, { ...outcome, version: outcome.revision });
        if (outcome.kind === 'refused')
          return invalid(
            reply,
            outcome.problems.filter(({ severity }) => severity === 'error'),
          );
        return sendSet(reply, request, visible);
      },
    );

    api.get(
      `${path}/versions`,
      {
        config: { action: scope === 'patient' ? 'vitals.read' : 'rules.read' },
        schema: {
          summary: `Every version of the alarm rules of ${WORDS[scope]}: what, by whom, why; newest first`,
          tags: ['rules'],
          params,
          querystring: VersionsQuery,
          response: { 200: RuleVersions },
        },
      },
      async (request, reply) => {
        const visible = found(request);
        if (visible === undefined) return notFound(reply, scope);
        const { rule: ruleId, limit = 100 } = request.query;
        const versions = await ruleSets.versions({
          place: visible.place,
          ...(ruleId === undefined ? {} : { ruleId }),
          limit,
        });
        return reply.send({
          versions: versions.map(({ by: setBy, atMs, rule, confirmedBy, preview, ...version }) => ({
            ruleId: version.ruleId,
            version: version.version,
            revision: version.revision,
            ...(rule === undefined ? {} : { rule: writeRule(rule) }),
            setBy,
            ...(confirmedBy === undefined ? {} : { confirmedBy }),
            reason: version.reason,
            setAt: iso(atMs),
            ...(preview === undefined ? {} : { preview: showSeen(preview) }),
          })),
        });
      },
    );
  }

  api.post(
    '/api/rules/lint',
    {
      config: { action: 'rules.read' },
      schema: {
        summary: 'What would be wrong with these rules there; nothing is kept',
        tags: ['rules'],
        body: LintRules,
        response: { 200: LintResult },
      },
    },
    async (request, reply) => {
      const { scope = 'house', scopeId, rules } = request.body;
      const visible = visiblePlace(services, principalOf(request), scope, scopeId);
      if (visible === undefined) return notFound(reply, scope);
      const read = readRules(rules);
      if (read.kind === 'invalid')
        return reply.send({
          problems: read.errors.map((error) => ({ severity: 'error', ...error })),
          needsSecondPerson: [],
        });
      const chain = await readRuleChain(ruleSets, visible.place, visible.patient, now());
      const change = changeRules({ own: ownRules(chain), requested: read.rules, ...inheritedBy(chain) });
      return reply.send({
        problems: [...(change.kind === 'ok' ? change.warnings : change.problems)],
        needsSecondPerson:
          change.kind === 'ok' && services.secondPerson === 'needed' ? change.wait.map(({ ruleId }) => ruleId) : [],
      });
    },
  );

  api.put(
    '/api/patients/:id/news2',
    {
      config: { action: 'limits.write' },
      schema: {
        summary:
          'NEWS2 of a patient: SpO2 scale by prescription, and whether the score is used at all; taking a patient off it waits for a second person (202)',
        tags: ['rules'],
        params: IdPath,
        body: PutNews2,
        response: { 200: News2Prescription, 202: RuleProposal },
      },
    },
    async (request, reply) => {
      const principal = principalOf(request);
      const patient = visiblePlace(services, principal, 'patient', request.params.id)?.patient;
      if (patient === undefined) return notFound(reply, 'patient');
      const { spo2Scale, use, why = 'other', reason, version } = request.body;
      const from = versionFrom(request, version);
      const outcome = await decideNews2(services, {
        patient,
        decision: { spo2Scale, use: use === 'off' ? { kind: 'off', why } : { kind: 'by-age' } },
        ...(from !== undefined && { from }),
        who: writerOf(principal),
        reason,
      });
      switch (outcome.kind) {
        case 'changed-meanwhile':
          return notFromThis(reply, from, outcome);
        case 'waits':
          return reply.code(202).send(showProposal(outcome.proposal, { userId: principal.userId, mayWrite: true }));
        case 'kept': {
          const decided = services.view().place(patient.id) ?? patient;
          return sendVersioned(reply, outcome.version, showNews2(decided, outcome.version, now()));
        }
        default:
          return outcome satisfies never;
      }
    },
  );

  api.get(
    '/api/patients/:id/news2/versions',
    {
      config: { action: 'vitals.read' },
      schema: {
        summary: 'What was decided about NEWS2 of a patient, by whom, why; newest first',
        tags: ['rules'],
        params: IdPath,
        response: { 200: News2Versions },
      },
    },
    async (request, reply) => {
      const patient = visiblePlace(services, principalOf(request), 'patient', request.params.id)?.patient;
      if (patient === undefined) return notFound(reply, 'patient');
      const versions = await ruleSets.news2Versions(patient.id);
      return reply.send({
        versions: versions.map(({ version, by: setBy, confirmedBy, reason, atMs, ...decision }) => ({
          version,
          ...showDecision(decision),
          setBy,
          ...(confirmedBy === undefined ? {} : { confirmedBy }),
          reason,
          setAt: iso(atMs),
        })),
      });
    },
  );

  async function sendSet(reply: FastifyReply, request: FastifyRequest, { place, patient }: VisiblePlace) {
    const principal = principalOf(request);
    const asker = { userId: principal.userId, mayWrite: mayWriteRules(principal, place) };
    const nowMs = now();
    const [chain, open, news2] = await Promise.all([
      readRuleChain(ruleSets, place, patient, nowMs),
      ruleSets.proposals({ place, open: true, limit: 100, nowMs }),
      patient === undefined ? [] : ruleSets.news2Versions(patient.id),
    ]);
    const change = changeRules({ own: [], requested: ownRules(chain), inherited: chain.inherited });
    const warnings = change.kind === 'ok' ? change.warnings : change.problems;
    const body: RuleSetResponse = {
      scope: place.scope,
      scopeId: scopeIdOf(place),
      revision: chain.own.revision,
      own: [...chain.shown.own],
      inForce: [...chain.shown.inForce],
      overrides: chain.own.overrides.map(showOverride),
      proposals: open.map((each) => showProposal(each, asker)),
      ...(patient === undefined ? {} : { news2: showNews2(patient, news2[0]?.version ?? 0, nowMs) }),
      ...(warnings.length === 0 ? {} : { warnings: [...warnings] }),
    };
    return sendVersioned(reply, chain.own.revision, body);
  }
}

const PATHS = { house: '/api/house/rules', ward: '/api/wards/:id/rules', patient: '/api/patients/:id/rules' } as const;
const WORDS = { house: 'the house', ward: 'a ward', patient: 'a patient' } as const;
const NoPath = Type.Object({});
const VersionsQuery = Type.Object(
  {
    rule: Type.Optional(RuleId),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500 })),
  },
  { additionalProperties: false },
);
