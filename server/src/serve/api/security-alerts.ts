import {
  CloseSecurityAlert,
  SecurityAlertKind,
  SecurityAlertList,
  SecurityAlert as SecurityAlertShape,
  SecurityAlertState,
  SecuritySeverity,
} from '@healthsync/contracts/security-alert';
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import type { UserId } from '../../domain/ids.ts';
import type { SecurityAlert } from '../../domain/security-alert.ts';
import type { SecurityAlerts } from '../../ports/security-alerts.ts';
import { principalOf } from '../access-gate.ts';
import { rfc3339 } from '../alert-shape.ts';
import { noteAudit } from '../audited.ts';
import { invalid, notFound, sendProblem } from '../problem.ts';
import { signatureOf } from '../signature.ts';
import type { Api } from '../validation.ts';

const LIMIT_DEFAULT = 50;
const LIMIT_MAX = 200;

/** `vip-4711`, with `-again-1` where it came again after it had been judged. */
const AlertPath = Type.Object({ id: Type.String({ pattern: '^[a-z][a-z-]{1,40}[0-9A-Za-z-]{0,60}$' }) });

const Query = Type.Object(
  {
    state: Type.Optional(
      Type.Union([SecurityAlertState, Type.Literal('unsettled')], { description: '`unsettled`: all but closed ones.' }),
    ),
    kind: Type.Optional(SecurityAlertKind),
    severity: Type.Optional(SecuritySeverity),
    person: Type.Optional(Type.String({ minLength: 1, maxLength: 128, description: 'Sign-in name or id.' })),
    cursor: Type.Optional(Type.String({ maxLength: 300 })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: LIMIT_MAX })),
  },
  { additionalProperties: false },
);

export interface SecurityAlertServices {
  readonly alerts: Pick<SecurityAlerts, 'list' | 'counts' | 'find' | 'look' | 'close'>;
  /** How the watching fares. */
  readonly watching: () => Promise<SecurityAlertList['watching']>;
  readonly now: () => number;
}

/** What watching over access has noticed, and what became of it. */
export function registerSecurityAlerts(app: FastifyInstance, services: SecurityAlertServices): void {
  const api = app as unknown as Api;
  const { alerts, watching, now } = services;
  const tags = ['security'];

  api.get(
    '/api/security-alerts',
    {
      config: { action: 'security-alert.read' },
      schema: {
        summary: 'Security alerts, newest first',
        tags,
        querystring: Query,
        response: { 200: SecurityAlertList },
      },
    },
    async (request, reply) => {
      const { state, kind, severity, person, cursor, limit = LIMIT_DEFAULT } = request.query;
      const { tenantId, userId } = principalOf(request);
      const after = cursor === undefined ? undefined : parseCursor(cursor);
      if (cursor !== undefined && after === undefined)
        return invalid(reply, [
          { code: 'invalid-cursor', field: 'cursor', detail: 'must be `next` of the page before' },
        ]);
      const [found, counts, fares] = await Promise.all([
        alerts.list({
          tenantId,
          ...(state !== undefined && { states: state === 'unsettled' ? UNSETTLED : [state] }),
          ...(kind !== undefined && { kind }),
          ...(severity !== undefined && { severity }),
          ...(person !== undefined && { person }),
          ...(after !== undefined && { after }),
          limit: limit + 1,
        }),
        alerts.counts(tenantId),
        watching(),
      ]);
      const page = found.slice(0, limit);
      const last = page.at(-1);
      return reply.send({
        alerts: page.map((alert) => shown(alert, userId)),
        ...(found.length > limit && last !== undefined && { next: cursorAfter(last) }),
        counts,
        watching: fares,
      });
    },
  );

  api.get(
    '/api/security-alerts/:id',
    {
      config: { action: 'security-alert.read' },
      schema: { summary: 'One security alert', tags, params: AlertPath, response: { 200: SecurityAlertShape } },
    },
    async (request, reply) => {
      const { tenantId, userId } = principalOf(request);
      const alert = await alerts.find(request.params.id, tenantId);
      return alert === undefined ? notFound(reply, 'security alert') : reply.send(shown(alert, userId));
    },
  );

  api.post(
    '/api/security-alerts/:id/look',
    {
      config: { action: 'security-alert.close' },
      schema: {
        summary: 'Say that one looks into it',
        tags,
        params: AlertPath,
        response: { 200: SecurityAlertShape },
      },
    },
    async (request, reply) => {
      const alert = await alerts.look({ id: request.params.id, ...actorOf(principalOf(request)), atMs: now() });
      if (alert === undefined) return notFound(reply, 'security alert');
      noteAudit(request, { detail: { what: alert.kind } });
      return reply.send(shown(alert, principalOf(request).userId));
    },
  );

  api.post(
    '/api/security-alerts/:id/close',
    {
      config: { action: 'security-alert.close' },
      schema: {
        summary: 'Say how it ended; once, and by somebody it is not about',
        tags,
        params: AlertPath,
        body: CloseSecurityAlert,
        response: { 200: SecurityAlertShape },
      },
    },
    async (request, reply) => {
      const { verdict, note } = request.body;
      if (note.trim().length < 3)
        return invalid(reply, [{ code: 'invalid-value', field: 'note', detail: 'at least 3 characters' }]);
      const principal = principalOf(request);
      noteAudit(request, { detail: { verdict } });
      const outcome = await alerts.close({
        id: request.params.id,
        ...actorOf(principal),
        verdict,
        note: note.trim(),
        atMs: now(),
      });
      switch (outcome.kind) {
        case 'closed':
          return reply.send(shown(outcome.alert, principal.userId));
        case 'own':
          return sendProblem(reply, {
            status: 403,
            code: 'own-alert',
            detail: 'It is about you: somebody else has to close it.',
          });
        case 'already-closed':
          return sendProblem(reply, {
            status: 409,
            code: 'already-closed',
            detail: `${outcome.alert.closed?.by ?? 'Somebody'} has closed it.`,
          });
        case 'not-found':
          return notFound(reply, 'security alert');
        default:
          return outcome satisfies never;
      }
    },
  );
}

const UNSETTLED = ['open', 'looked-at'] as const;

const actorOf = (principal: ReturnType<typeof principalOf>) => ({
  tenantId: principal.tenantId,
  byId: principal.userId,
  by: signatureOf(principal),
});

function shown(alert: SecurityAlert, reader: UserId): SecurityAlertShape {
  const { id, kind, score, severity, state, person, patientId, reasons, evidence, count, lookedAt, closed } = alert;
  return {
    id,
    kind,
    score,
    severity,
    state,
    ...(person !== undefined && { person: { ...person } }),
    ...(patientId !== undefined && { patientId }),
    reasons: reasons.map(({ code, text, numbers }) => ({ code, text, ...(numbers && { numbers: { ...numbers } }) })),
    evidence: [...evidence],
    count,
    firstAt: rfc3339(alert.firstAtMs),
    lastAt: rfc3339(alert.lastAtMs),
    ...(lookedAt !== undefined && { lookedAt: { by: lookedAt.by, at: rfc3339(lookedAt.atMs) } }),
    ...(closed !== undefined && {
      closed: { verdict: closed.verdict, note: closed.note, by: closed.by, at: rfc3339(closed.atMs) },
    }),
    isAboutYou: person?.userId === reader,
  };
}

const Cursor = Type.Tuple([Type.Integer({ minimum: 0, maximum: 8.64e15 }), AlertPath.properties.id]);

const cursorAfter = ({ lastAtMs, id }: SecurityAlert): string =>
  Buffer.from(JSON.stringify([lastAtMs, id])).toString('base64url');

function parseCursor(text: string): { readonly lastAtMs: number; readonly id: string } | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
    return Value.Check(Cursor, value) ? { lastAtMs: value[0], id: value[1] } : undefined;
  } catch {
    return undefined;
  }
}
