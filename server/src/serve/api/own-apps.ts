import { AppsLetIn } from '@healthsync/contracts/openid';
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { wordsOfActions } from '../../domain/scope.ts';
import type { AppsLetIn as LetInApps } from '../../identity/apps-let-in.ts';
import { principalOf } from '../access-gate.ts';
import { rfc3339 } from '../alert-shape.ts';
import { noteAudit } from '../audited.ts';
import { notFound } from '../problem.ts';
import type { Api } from '../validation.ts';

/** The apps somebody has let in: seen and ended by themselves, and by nobody else. */
export function registerOwnApps(app: FastifyInstance, { apps }: { readonly apps: LetInApps }): void {
  const api = app as unknown as Api;
  const tags = ['apps'];

  api.get(
    '/api/me/apps',
    { config: { signedIn: true }, schema: { summary: 'The apps I have let in', tags, response: { 200: AppsLetIn } } },
    async (request) => ({
      apps: (await apps.of(principalOf(request).userId)).map((one) => ({
        id: one.id,
        client: one.clientName,
        scopes: [...one.scopes],
        words: { ...wordsOfActions(one.scopes) },
        ...(one.patientId !== undefined && { patientId: one.patientId }),
        letInAt: rfc3339(one.letInAtMs),
        ...(one.usedAtMs !== undefined && { lastUsedAt: rfc3339(one.usedAtMs) }),
        endsAt: rfc3339(one.endsAtMs),
      })),
    }),
  );

  api.delete(
    '/api/me/apps/:id',
    {
      config: { signedIn: true },
      schema: {
        summary: 'End one of them, with all it holds',
        tags,
        params: Type.Object({ id: Type.String({ maxLength: 64 }) }),
      },
    },
    async (request, reply) => {
      const ended = await apps.end(principalOf(request).userId, request.params.id);
      if (ended === undefined) return notFound(reply, 'app');
      noteAudit(request, { detail: { client: ended.clientId } });
      return reply.code(204).send();
    },
  );
}
