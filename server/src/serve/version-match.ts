import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Standing } from '../ports/versioned.ts';
import { rfc3339 } from './alert-shape.ts';
import { noteAudit } from './audited.ts';
import { sendProblem } from './problem.ts';

/**
 * The version a change was made from: `If-Match: "3"`, or what the body says. Who names none believes that there is
 * nothing yet: they may make it, and are asked to look first where there is something (RFC 6585 §3).
 */
export function versionFrom(request: FastifyRequest, inBody: number | undefined): number | undefined {
  // Weak or several tags are not ours.
  const tag = /^"(\d{1,9})"$/.exec(request.headers['if-match'] ?? '')?.[1];
  const from = tag === undefined ? inBody : Number(tag);
  noteAudit(request, { detail: { versionBefore: from ?? 0 } });
  return from;
}

/** Somebody else was quicker, or this was made without looking. Nothing was changed. */
export function notFromThis(reply: FastifyReply, from: number | undefined, standing: Standing): FastifyReply {
  const { version, by, atMs } = standing;
  const at = atMs === undefined ? undefined : rfc3339(atMs);
  const changed = { version, ...(by === undefined ? {} : { by }), ...(at === undefined ? {} : { at }) };
  if (from === undefined)
    return sendProblem(reply, {
      status: 428,
      code: 'version-needed',
      detail: 'There is something already. Look at it, and say which version this was made from: version, or If-Match.',
      changed,
    });
  const who = by === undefined ? 'Somebody else' : by;
  const when = at === undefined ? '' : ` at ${at}`;
  return sendProblem(reply, {
    status: 412,
    code: 'changed-meanwhile',
    detail: `${who} changed this${when}. Look again, then send anew.`,
    changed,
  });
}

/** Answers with what can be changed: its version is its tag. */
export function sendVersioned(reply: FastifyReply, version: number, body: object): FastifyReply {
  // What was read has a version too; of what was changed it is the one after.
  noteAudit(reply.request, { detail: { version } });
  return reply.header('etag', `"${version}"`).header('cache-control', 'no-store').send(body);
}
