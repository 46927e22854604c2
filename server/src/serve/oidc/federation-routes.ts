import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Federation } from '../../identity/federation.ts';
import { noteAudit } from '../audited.ts';
import { startPending, startSession } from '../session-cookies.ts';
import type { Api } from '../validation.ts';

/**
 * Signing in through another provider: there and back. Its answer comes from its site, so our strict cookies are not
 * with it; the ticket of what was begun lies in a cookie of its own that is.
 */
export function registerFederation(
  app: FastifyInstance,
  services: { readonly federation: Federation; readonly hooks?: { signIn?(outcome: string): void } },
): void {
  const { federation, hooks } = services;
  const api = app as unknown as Api;
  const tags = ['session'];

  api.get(
    '/api/session/outside',
    { config: { public: true }, schema: { summary: 'Sign in through the other provider', tags } },
    async (_request, reply) => {
      const { url, ticket } = await federation.begin();
      return reply.setCookie(TICKET_COOKIE, ticket, { ...COOKIE, maxAge: TICKET_SECONDS }).redirect(url, 303);
    },
  );

  api.get(
    '/api/session/outside/callback',
    { config: { public: true }, schema: { summary: 'Where the other provider sends people back to', tags } },
    async (request, reply) => {
      reply.clearCookie(TICKET_COOKIE, COOKIE);
      const callback = new URL(request.url, 'https://ignored.invalid');
      const outcome = await federation.finish(callback, request.cookies[TICKET_COOKIE]);
      hooks?.signIn?.(outcome.kind);
      switch (outcome.kind) {
        case 'signed-in':
          return startSession(reply, outcome).redirect('/', 303);
        case 'second-factor':
        case 'enrol':
          return goOn(startPending(reply, outcome), outcome.kind);
        case 'refused':
        case 'nobody-here':
        case 'name-taken':
          noteAudit(request, { outcome: 'denied', detail: { refused: outcome.kind } });
          return goOn(reply, outcome.kind);
        default:
          return outcome satisfies never;
      }
    },
  );
}

/** To the sign-in page, which says the rest; behind the #, where no log reads it. */
const goOn = (reply: FastifyReply, what: string) => reply.redirect(`/#sign-in=${what}`, 303);

const TICKET_COOKIE = '__Host-healthsync-outside';
const TICKET_SECONDS = 10 * 60;
const COOKIE = { path: '/', secure: true, httpOnly: true, sameSite: 'lax' } as const;
