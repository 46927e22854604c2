import { QuietHours } from '@healthsync/contracts/care-team';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { parseWardId, type WardId } from '../../domain/ids.ts';
import { quietHoursProblems } from '../../domain/quiet-hours.ts';
import type { Principal } from '../../identity/sessions.ts';
import type { QuietHoursOwner, VersionedHours } from '../../ports/care-teams.ts';
import { principalOf } from '../access-gate.ts';
import { toQuietHours } from '../care-team-shape.ts';
import { invalid, notFound } from '../problem.ts';
import { signatureOf } from '../signature.ts';
import type { Api } from '../validation.ts';
import { notFromThis, sendVersioned, versionFrom } from '../version-match.ts';
import { seesWard } from '../ward-scope.ts';
import type { EscalationServices } from './escalation-services.ts';
import { IdPath } from './parameters.ts';

/** When medium and low alarms may wait, for a person or a ward. High ones never do: the contract has no word for it. */
export function registerQuietHours(app: FastifyInstance, { teams, view, zone, now }: EscalationServices): void {
  const api = app as unknown as Api;
  const tags = ['quiet hours'];
  const response = { 200: QuietHours };

  api.get(
    '/api/me/quiet-hours',
    { config: { signedIn: true }, schema: { summary: 'One’s own quiet hours', tags, response } },
    async (request, reply) => {
      const { userId } = principalOf(request);
      const { users } = await teams.quietHours({ userIds: [userId] });
      return send(reply, users.get(userId));
    },
  );

  api.put(
    '/api/me/quiet-hours',
    { config: { signedIn: true }, schema: { summary: 'Set one’s own quiet hours', tags, body: QuietHours, response } },
    async (request, reply) => {
      const { userId } = principalOf(request);
      return put(request, reply, { kind: 'user', userId }, request.body);
    },
  );

  api.get(
    '/api/wards/:id/quiet-hours',
    { config: { action: 'rota.read' }, schema: { summary: 'A ward’s quiet hours', tags, params: IdPath, response } },
    async (request, reply) => {
      const wardId = visibleWard(principalOf(request), request.params.id);
      if (wardId === undefined) return notFound(reply, 'ward');
      return send(reply, (await teams.quietHours({ wardId, userIds: [] })).ward);
    },
  );

  api.put(
    '/api/wards/:id/quiet-hours',
    {
      config: { action: 'team.write' },
      schema: { summary: 'Set a ward’s quiet hours', tags, params: IdPath, body: QuietHours, response },
    },
    async (request, reply) => {
      const wardId = visibleWard(principalOf(request), request.params.id);
      if (wardId === undefined) return notFound(reply, 'ward');
      return put(request, reply, { kind: 'ward', wardId }, request.body);
    },
  );

  async function put(
    request: FastifyRequest,
    reply: FastifyReply,
    owner: QuietHoursOwner,
    { version: inBody, ...hours }: QuietHours,
  ): Promise<FastifyReply> {
    const problems = quietHoursProblems(hours);
    if (problems.length > 0) return invalid(reply, problems);
    const from = versionFrom(request, inBody);
    const by = signatureOf(principalOf(request));
    const outcome = await teams.putQuietHours({
      owner,
      hours,
      ...(from !== undefined && { from }),
      by,
      atMs: now(),
    });
    if (outcome.kind === 'changed-meanwhile') return notFromThis(reply, from, outcome);
    return send(reply, { ...hours, version: outcome.version });
  }

  function send(reply: FastifyReply, { version, ...hours }: VersionedHours = { zone, windows: [], version: 0 }) {
    return sendVersioned(reply, version, { ...toQuietHours(hours), version });
  }

  function visibleWard(principal: Principal, text: string): WardId | undefined {
    const wardId = parseWardId(text);
    const exists = view().snapshot.wards.some(({ id }) => id === wardId);
    return exists && seesWard(principal, wardId) ? wardId : undefined;
  }
}
