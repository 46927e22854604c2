import { randomUUID } from 'node:crypto';
import { PostOverride, RuleOverride, RuleProposal } from '@healthsync/contracts/rule';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { Rule } from '../../domain/rule.ts';
import { anyWidening, wideningOf } from '../../domain/rule-change.ts';
import { lintRules } from '../../domain/rule-lint.ts';
import { principalOf } from '../access-gate.ts';
import { type FieldError, invalid, notFound, sendProblem } from '../problem.ts';
import { type RuleChain, readRuleChain, showOverride, showProposal } from '../rule-chain.ts';
import { placeVisibleTo, visiblePlace } from '../rule-place.ts';
import { readRules } from '../rule-shape.ts';
import { PROPOSAL_MS, proposalOf, writerOf } from '../rule-writing.ts';
import type { Services } from '../services.ts';
import { signatureOf } from '../signature.ts';
import type { Api } from '../validation.ts';
import { IdPath, parseInstant } from './parameters.ts';

/** A rule of a ward or a patient for a limited time, with a reason; it ends by itself. */
export function registerRuleOverrides(app: FastifyInstance, services: Services): void {
  const api = app as unknown as Api;
  const { ruleSets, refreshView, secondPerson, now } = services;

  for (const scope of ['ward', 'patient'] as const)
    api.post(
      `/api/${scope}s/:id/rules/overrides`,
      {
        config: { action: 'limits.write' },
        schema: {
          summary: `A rule of a ${scope} for a limited time; one that loosens a critical rule waits for a second person (202)`,
          tags: ['rules'],
          params: IdPath,
          body: PostOverride,
          response: { 201: RuleOverride, 202: RuleProposal },
        },
      },
      async (request, reply) => {
        const principal = principalOf(request);
        const visible = visiblePlace(services, principal, scope, request.params.id);
        if (visible === undefined) return notFound(reply, scope);
        const nowMs = now();
        const chain = await readRuleChain(ruleSets, visible.place, visible.patient, nowMs);
        const asked = readOverride(request.body, chain, nowMs);
        if (asked.kind === 'invalid') return invalid(reply, asked.errors);
        const { rule, fromMs, untilMs } = asked;
        const { place } = visible;
        const signed = { by: signatureOf(principal), reason: request.body.reason, atMs: nowMs };
        // Another override may end meanwhile: this one would go on with what two people decided for some minutes.
        const turns = [fromMs, ...chain.turnsMs.filter((ms) => ms > fromMs && ms < untilMs)];
        const before = turns.map((ms) => chain.at(ms).inForce.find((each) => each.rule.id === rule.id)?.rule);
        const effect = secondPerson === 'needed' ? anyWidening(before, [rule]) : undefined;
        if (effect !== undefined) {
          const expiresAtMs = Math.min(untilMs, nowMs + PROPOSAL_MS);
          const proposal = {
            ...proposalOf({ ruleId: rule.id, rule, effect }, writerOf(principal), expiresAtMs),
            override: { fromMs, untilMs },
          };
          await ruleSets.put({ place, rules: [], remove: [], propose: [proposal], ...signed });
          const kept = await ruleSets.findProposal({ id: proposal.id, nowMs });
          if (kept === undefined) return notFound(reply, 'proposal');
          return reply.code(202).send(showProposal(kept, { userId: principal.userId, mayWrite: true }));
        }
        const override = { id: randomUUID(), place, rule, fromMs, untilMs, ...signed };
        await ruleSets.addOverride(override);
        await refreshView();
        return reply.code(201).send(showOverride(override));
      },
    );

  api.delete(
    '/api/rule-overrides/:id',
    {
      config: { action: 'limits.write' },
      schema: {
        summary: 'End an override before its time: what it replaced holds again',
        tags: ['rules'],
        params: IdPath,
        querystring: Reason,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      const principal = principalOf(request);
      const override = await ruleSets.findOverride(request.params.id);
      const visible = override && placeVisibleTo(services, principal, override.place);
      if (override === undefined || visible === undefined) return notFound(reply, 'override');
      if (secondPerson === 'needed' && (await loosens(request, override.place, override.rule)))
        return sendProblem(reply, {
          status: 409,
          code: 'second-person-needed',
          detail:
            'The rule beneath this override is looser. It ends by its time; to end it now, change that rule first.',
        });
      const atMs = now();
      const isEnded = await ruleSets.endOverride({
        id: override.id,
        by: signatureOf(principal),
        reason: request.query.reason,
        atMs,
      });
      if (!isEnded) return notFound(reply, 'override');
      await refreshView();
      return reply.code(204).send(null);
    },
  );

  /** Would critical alarms ring less or later once this override is gone? */
  async function loosens(request: FastifyRequest, place: RuleChain['place'], rule: Rule): Promise<boolean> {
    const visible = placeVisibleTo(services, principalOf(request), place);
    const chain = await readRuleChain(ruleSets, place, visible?.patient, now());
    const beneath = [
      ...chain.own.rules.flatMap((version) => version.rule ?? []),
      ...chain.inherited.map((each) => each.rule),
    ];
    return (
      wideningOf(
        rule,
        beneath.find((each) => each.id === rule.id),
      ) !== undefined
    );
  }
}

const Reason = Type.Object({ reason: Type.String({ minLength: 3, maxLength: 500 }) }, { additionalProperties: false });

/** A week: what is meant for longer is a rule. */
const OVERRIDE_MAX_MS = 7 * 86_400_000;

type Asked =
  | { readonly kind: 'ok'; readonly rule: Rule; readonly fromMs: number; readonly untilMs: number }
  | { readonly kind: 'invalid'; readonly errors: readonly FieldError[] };

function readOverride(body: PostOverride, chain: RuleChain, nowMs: number): Asked {
  const errors: FieldError[] = [];
  const read = readRules([body.rule], () => 'rule');
  const rule = read.kind === 'ok' ? read.rules[0] : undefined;
  if (read.kind === 'invalid') errors.push(...read.errors);
  else if (rule !== undefined)
    for (const { severity, ...problem } of lintRules([rule], { inherited: chain.inForce }))
      if (severity === 'error') errors.push({ ...problem, field: problem.field.replace(/^rules\.0/, 'rule') });
  const fromMs = body.from === undefined ? nowMs : parseInstant(body.from);
  const untilMs = parseInstant(body.until);
  if (fromMs === undefined) errors.push(TIME('from'));
  if (untilMs === undefined) errors.push(TIME('until'));
  else if (untilMs <= Math.max(nowMs, fromMs ?? nowMs) || untilMs - nowMs > OVERRIDE_MAX_MS)
    errors.push({ code: 'invalid-time', field: 'until', detail: 'after it begins, and at most 7 days ahead' });
  if (errors.length > 0 || rule === undefined || fromMs === undefined || untilMs === undefined)
    return { kind: 'invalid', errors };
  return { kind: 'ok', rule, fromMs: Math.max(fromMs, nowMs), untilMs };
}

const TIME = (field: string): FieldError => ({ code: 'invalid-time', field, detail: 'RFC 3339 with a zone' });
