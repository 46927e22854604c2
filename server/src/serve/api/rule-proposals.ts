import { RuleProposal, RuleProposals } from '@healthsync/contracts/rule';
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { principalOf } from '../access-gate.ts';
import { notFound, sendProblem } from '../problem.ts';
import { showProposal } from '../rule-chain.ts';
import { mayWriteRules, placeVisibleTo } from '../rule-place.ts';
import type { Services } from '../services.ts';
import { signatureOf } from '../signature.ts';
import type { Api } from '../validation.ts';
import { IdPath } from './parameters.ts';

/** What waits for a second person: a change that would make a critical alarm ring later or less. */
export function registerRuleProposals(app: FastifyInstance, services: Services): void {
  const api = app as unknown as Api;
  const { ruleSets, refreshView, now } = services;

  api.get(
    '/api/rule-proposals',
    {
      config: { action: 'rules.read' },
      schema: {
        summary: 'Changes of critical rules that wait for a second person; newest first',
        tags: ['rules'],
        querystring: Type.Object(
          { open: Type.Optional(Type.Boolean({ description: 'Default true.' })) },
          { additionalProperties: false },
        ),
        response: { 200: RuleProposals },
      },
    },
    async (request, reply) => {
      const principal = principalOf(request);
      const found = await ruleSets.proposals({ open: request.query.open ?? true, limit: 500, nowMs: now() });
      return reply.send({
        proposals: found
          .filter(({ place }) => placeVisibleTo(services, principal, place) !== undefined)
          .map((each) =>
            showProposal(each, { userId: principal.userId, mayWrite: mayWriteRules(principal, each.place) }),
          ),
      });
    },
  );

  for (const verb of ['confirm', 'refuse'] as const)
    api.post(
      `/api/rule-proposals/:id/${verb}`,
      {
        // Of a house's rules more is asked below.
        config: { action: 'rules.read' },
        schema: {
          summary:
            verb === 'confirm'
              ? 'Confirm it as the second person: it holds from now on'
              : 'Refuse it, or take one’s own back',
          tags: ['rules'],
          params: IdPath,
          response: { 200: RuleProposal },
        },
      },
      async (request, reply) => {
        const principal = principalOf(request);
        const proposal = await ruleSets.findProposal({ id: request.params.id, nowMs: now() });
        if (proposal === undefined || placeVisibleTo(services, principal, proposal.place) === undefined)
          return notFound(reply, 'proposal');
        if (!mayWriteRules(principal, proposal.place))
          return sendProblem(reply, {
            status: 403,
            code: 'role-needed',
            detail: 'Only who may change these rules decides.',
          });
        const outcome = await ruleSets.decide({
          id: proposal.id,
          confirm: verb === 'confirm',
          by: signatureOf(principal),
          byId: principal.userId,
          atMs: now(),
        });
        switch (outcome.kind) {
          case 'not-found':
            return notFound(reply, 'proposal');
          case 'same-person':
            return sendProblem(reply, {
              status: 409,
              code: 'same-person',
              detail: 'Somebody else must confirm it: you asked for it yourself.',
            });
          case 'not-open':
            return sendProblem(reply, {
              status: 409,
              code: `proposal-${outcome.proposal.state}`,
              detail: `It is ${outcome.proposal.state}, and open no more.`,
            });
          case 'done':
            await refreshView();
            return reply.send(showProposal(outcome.proposal, { userId: principal.userId, mayWrite: true }));
          default:
            return outcome satisfies never;
        }
      },
    );
}
