import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Opened, Owed } from '../identity/sign-in.ts';
import { SESSION_COOKIE } from './access-gate.ts';
import { noteAudit } from './audited.ts';

/** `__Host-`: only over TLS, only for this host, not for its subdomains (RFC 6265bis 4.1.3.2). */
const COOKIE = { path: '/', secure: true, httpOnly: true, sameSite: 'strict' } as const;

/** Tells a browser that signed in before from a stranger, so that nobody can lock a person out by guessing. */
const BROWSER_COOKIE = '__Host-healthsync-browser';
const BROWSER_SECONDS = 180 * 24 * 3600;

/** Whoever has shown a first factor, while the second is still to come. */
const PENDING_COOKIE = '__Host-healthsync-pending';
const PENDING_SECONDS = 10 * 60;

/** The session ends by the server's own limits, which use extends; the cookie only has to outlive the longest. */
const SESSION_COOKIE_SECONDS = 30 * 24 * 3600;

/** A new secret at every sign-in: one that was planted before is worth nothing (session fixation). */
export function startSession(reply: FastifyReply, opened: Opened): FastifyReply {
  const { name, userId } = opened.principal;
  noteAudit(reply.request, { actor: { kind: 'person', name, userId } });
  return reply
    .setCookie(BROWSER_COOKIE, opened.browserMark, { ...COOKIE, maxAge: BROWSER_SECONDS })
    .setCookie(SESSION_COOKIE, opened.secret, { ...COOKIE, maxAge: SESSION_COOKIE_SECONDS })
    .clearCookie(PENDING_COOKIE, COOKIE);
}

export function startPending(reply: FastifyReply, owed: Owed): FastifyReply {
  // The password was right, and nobody is in yet.
  noteAudit(reply.request, { detail: { owed: owed.kind } });
  return reply.setCookie(PENDING_COOKIE, owed.pending, { ...COOKIE, maxAge: PENDING_SECONDS });
}

export function endSession(reply: FastifyReply): FastifyReply {
  return reply.clearCookie(SESSION_COOKIE, COOKIE).clearCookie(PENDING_COOKIE, COOKIE);
}

/** Where an attempt comes from, as the limits on guessing want it. */
export function fromOf(request: FastifyRequest): {
  readonly address: string;
  readonly browserMark?: string;
  readonly replaces?: string;
} {
  const browserMark = request.cookies[BROWSER_COOKIE]?.slice(0, SECRET_MAX);
  const replaces = request.cookies[SESSION_COOKIE]?.slice(0, SECRET_MAX);
  return {
    address: request.ip,
    ...(browserMark !== undefined && { browserMark }),
    ...(replaces !== undefined && replaces !== '' && { replaces }),
  };
}

export function pendingOf(request: FastifyRequest): string | undefined {
  return request.cookies[PENDING_COOKIE]?.slice(0, SECRET_MAX);
}

const SECRET_MAX = 256;
