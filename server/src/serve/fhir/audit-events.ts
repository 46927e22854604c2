import type { FastifyInstance, FastifyReply } from 'fastify';
import type { AuditEvent, Bundle, OperationOutcome } from 'fhir/r4.js';
import { Type } from 'typebox';
import type { AuditQuery, AuditRecords } from '../../ports/audit-log.ts';
import { principalOf } from '../access-gate.ts';
import type { Api } from '../validation.ts';
import { auditEvent } from './audit-event.ts';

const COUNT_DEFAULT = 50;
const COUNT_MAX = 200;
/** FHIR R4 3.1.1.5.5: a page of ours goes on below this position. */
const PAGE = '_before';

const Text = Type.Optional(Type.String({ minLength: 1, maxLength: 128 }));
const Query = Type.Object(
  {
    date: Type.Optional(
      Type.Union([
        Type.String({ maxLength: 64 }),
        Type.Array(Type.String({ maxLength: 64 }), { maxItems: 2, description: 'Two of them are a span.' }),
      ]),
    ),
    agent: Text,
    'agent-name': Text,
    patient: Text,
    subtype: Text,
    outcome: Type.Optional(Type.Enum(['0', '4', '8'])),
    _count: Type.Optional(Type.Integer({ minimum: 1, maximum: COUNT_MAX })),
    [PAGE]: Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })),
  },
  { additionalProperties: false },
);

/** The audit log as FHIR R4 AuditEvents: read and search, newest first. */
export function registerAuditEvents(app: FastifyInstance, { records }: { readonly records: AuditRecords }): void {
  const api = app as unknown as Api;
  const search = { action: 'audit.read', fhir: 'AuditEvent.s' } as const;
  const read = { action: 'audit.read', fhir: 'AuditEvent.r' } as const;

  api.get(
    '/fhir/AuditEvent',
    { config: search, schema: { summary: 'Search the audit log (FHIR R4)', tags: ['audit'], querystring: Query } },
    async (request, reply) => {
      const { date, agent, patient, subtype, outcome, _count: count = COUNT_DEFAULT } = request.query;
      const span = spanOf([date ?? []].flat());
      if (span === undefined)
        return refuse(reply, 400, 'invalid', 'date: expected ge, gt, le, lt or eq and a date or time');
      const person = agent ?? request.query['agent-name'];
      const before = request.query[PAGE];
      const found = await records.search({
        tenantId: principalOf(request).tenantId,
        limit: count + 1,
        ...span,
        ...(person !== undefined && { person: lastPart(person) }),
        ...(patient !== undefined && { patientId: lastPart(patient) }),
        ...(subtype !== undefined && { action: lastPart(subtype, '|') }),
        ...(outcome !== undefined && { outcome: OUTCOMES[outcome] }),
        ...(before !== undefined && { before }),
      } satisfies AuditQuery);
      const page = found.slice(0, count);
      const last = page.at(-1);
      const self = `/fhir/AuditEvent${request.url.slice(request.url.indexOf('?') < 0 ? request.url.length : request.url.indexOf('?'))}`;
      const bundle: Bundle<AuditEvent> = {
        resourceType: 'Bundle',
        type: 'searchset',
        link: [
          { relation: 'self', url: self },
          ...(found.length > count && last !== undefined
            ? [{ relation: 'next', url: pageAfter(self, last.position) }]
            : []),
        ],
        ...(page.length > 0 && {
          entry: page.map((entry) => ({
            fullUrl: `urn:healthsync:audit:${entry.position}`,
            resource: auditEvent(entry),
            search: { mode: 'match' as const },
          })),
        }),
      };
      return sendFhir(reply, 200, bundle);
    },
  );

  api.get(
    '/fhir/AuditEvent/:id',
    {
      config: read,
      schema: {
        summary: 'One entry of the audit log (FHIR R4)',
        tags: ['audit'],
        params: Type.Object({ id: Type.String({ pattern: '^\\d{1,15}$' }) }),
      },
    },
    async (request, reply) => {
      const position = Number(request.params.id);
      const [entry] = await records.search({
        before: position + 1,
        limit: 1,
        tenantId: principalOf(request).tenantId,
      });
      if (entry?.position !== position) return refuse(reply, 404, 'not-found', 'There is no such entry.');
      return sendFhir(reply, 200, auditEvent(entry));
    },
  );
}

const OUTCOMES = { '0': 'allowed', '4': 'denied', '8': 'failed' } as const;

function sendFhir(reply: FastifyReply, status: number, resource: AuditEvent | Bundle | OperationOutcome): FastifyReply {
  return reply
    .code(status)
    .header('content-type', 'application/fhir+json; charset=utf-8')
    .header('cache-control', 'no-store')
    .serializer(JSON.stringify)
    .send(resource);
}

function refuse(
  reply: FastifyReply,
  status: number,
  code: OperationOutcome['issue'][number]['code'],
  diagnostics: string,
): FastifyReply {
  return sendFhir(reply, status, {
    resourceType: 'OperationOutcome',
    issue: [{ severity: 'error', code, diagnostics }],
  });
}

/** `Patient/P1` and `system|code`: what is meant stands last. */
const lastPart = (text: string, by = '/'): string => text.slice(text.lastIndexOf(by) + 1);

function pageAfter(self: string, position: number): string {
  const [path = '', query = ''] = self.split('?', 2);
  const parameters = new URLSearchParams(query);
  parameters.set(PAGE, String(position));
  return `${path}?${parameters}`;
}

/** FHIR R4 3.1.1.5.7: a date stands for all of its day. Undefined: it is no date. */
function spanOf(dates: readonly string[]): { readonly fromMs?: number; readonly toMs?: number } | undefined {
  let span: { fromMs?: number; toMs?: number } = {};
  for (const text of dates) {
    const match = /^(eq|ge|gt|le|lt)?(\d{4}-\d\d-\d\d)(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d))?$/.exec(text);
    const [, prefix = 'eq', day, time = ''] = match ?? [];
    const startMs = Date.parse(`${day}${time === '' ? 'T00:00Z' : time}`);
    if (match === null || Number.isNaN(startMs)) return undefined;
    const endMs = startMs + (time === '' ? 86_400_000 : 1);
    if (prefix === 'eq' || prefix === 'ge') span = { ...span, fromMs: startMs };
    if (prefix === 'gt') span = { ...span, fromMs: endMs };
    if (prefix === 'eq' || prefix === 'le') span = { ...span, toMs: endMs };
    if (prefix === 'lt') span = { ...span, toMs: startMs };
  }
  return span;
}
