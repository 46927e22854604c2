import type { KeyObject } from 'node:crypto';
import {
  AuditConsistency,
  AuditHeads,
  AuditKeys,
  AuditOutcome,
  AuditPage,
  AuditProof,
  type AuditRestore,
  AuditRoutes,
  type AuditTreeHead,
} from '@healthsync/contracts/audit';
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { AcceptedRestores, restoresIn } from '../../audit/accepted-restores.ts';
import type { AuditDivergence } from '../../audit/audit-writer.ts';
import { proveConsistency, proveInclusion } from '../../audit/proofs.ts';
import { keyIdOf, verifierKey } from '../../audit/tree-head-key.ts';
import { DEFAULT_TENANT } from '../../domain/ids.ts';
import type { AuditRecords } from '../../ports/audit-log.ts';
import type { AuditCheck, AuditStore } from '../../ports/audit-store.ts';
import { principalOf } from '../access-gate.ts';
import { rfc3339 } from '../alert-shape.ts';
import { auditRecord, auditTreeHead } from '../audit-shape.ts';
import { invalid, notFound } from '../problem.ts';
import type { Api } from '../validation.ts';

const LIMIT_DEFAULT = 100;
/** Some 200 kB: what a person pages through, and a script reads in a second. */
const LIMIT_MAX = 500;
/** Positions are counted exactly up to 2^53. */
const Position = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const Text = (description: string) => Type.Optional(Type.String({ minLength: 1, maxLength: 128, description }));

const Query = Type.Object(
  {
    person: Text('Sign-in name, or id of a user or device.'),
    patient: Text('Only about this patient.'),
    action: Text('One action, or all that begin so: `alarm.*`.'),
    outcome: Type.Optional(AuditOutcome),
    resource: Text('Kind of what was acted upon: `device`.'),
    resourceId: Text('Its id.'),
    correlation: Text('Everything of one request.'),
    from: Text('Written down at this time or later.'),
    to: Text('Written down before this time.'),
    before: Type.Optional(Position),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: LIMIT_MAX })),
  },
  { additionalProperties: false },
);

export interface AuditApiServices {
  readonly store: AuditStore;
  /** As whoever asks may read them. */
  readonly records: AuditRecords;
  readonly publicKey: KeyObject;
  readonly origin: string;
  /** What the log was found not to be while it was written. */
  readonly divergences: () => readonly (AuditDivergence | 'held-altered')[];
  /** Whether a place that once had heads is one of the settings still. Absent: all are. */
  readonly isFollowing?: (name: string) => boolean;
  readonly now: () => number;
}

/** The audit log for those who review it. Reading it is itself an entry. */
export function registerAuditApi(app: FastifyInstance, services: AuditApiServices): void {
  const { store, records, publicKey, origin } = services;
  const api = app as unknown as Api;
  const config = { action: 'audit.read' as const };
  const tags = ['audit'];

  api.get(
    '/api/audit',
    {
      config,
      schema: { summary: 'Who did what, newest first', tags, querystring: Query, response: { 200: AuditPage } },
    },
    async (request, reply) => {
      const { person, patient, action, outcome, resource, resourceId, correlation, from, to, before } = request.query;
      const times = { from: timeOf(from), to: timeOf(to) };
      const wrong = Object.entries(times).filter(([, ms]) => Number.isNaN(ms));
      if (wrong.length > 0)
        return invalid(
          reply,
          wrong.map(([field]) => ({ code: 'invalid-value', field, detail: 'must be a time with its zone (RFC 3339)' })),
        );
      const limit = request.query.limit ?? LIMIT_DEFAULT;
      const found = await records.search({
        limit: limit + 1,
        tenantId: principalOf(request).tenantId,
        ...given({
          person,
          patientId: patient,
          action,
          outcome,
          resourceKind: resource,
          resourceId,
          correlationId: correlation,
          fromMs: times.from,
          toMs: times.to,
          before,
        }),
      });
      const page = found.slice(0, limit);
      const last = page.at(-1);
      return reply.send({
        entries: page.map(auditRecord),
        ...(found.length > limit && last !== undefined && { next: last.position }),
      });
    },
  );

  api.get(
    '/api/audit/heads',
    {
      config,
      schema: {
        summary: 'What was signed about the log, and who else keeps it',
        tags,
        querystring: Type.Object(
          { limit: Type.Optional(Type.Integer({ minimum: 1, maximum: LIMIT_MAX })) },
          { additionalProperties: false },
        ),
        response: { 200: AuditHeads },
      },
    },
    async (request) => ({
      ...(await headsOf(services, request.query.limit ?? 20)),
      restores: await restoresOf(services),
    }),
  );

  api.get(
    '/api/audit/proof',
    {
      config,
      schema: {
        summary: 'That an entry is in the log (RFC 6962 §2.1.1)',
        tags,
        querystring: Type.Object({ position: Position }, { additionalProperties: false }),
        response: { 200: AuditProof },
      },
    },
    async (request, reply) => {
      const proof = await proveInclusion(store, request.query.position);
      const head = proof && auditTreeHead(proof.head);
      if (proof === undefined || head === undefined) return notFound(reply, 'entry');
      const { entry, ...rest } = proof;
      return reply.send({
        ...rest,
        // Of another organisation's entry its hash: that proves as well that it is there.
        ...(entry !== undefined && tenantOf(entry) === principalOf(request).tenantId && { entry }),
        path: [...proof.path],
        head,
      });
    },
  );

  api.get(
    '/api/audit/consistency',
    {
      config,
      schema: {
        summary: 'That the log was then the beginning of what it is now (RFC 6962 §2.1.2)',
        tags,
        querystring: Type.Object({ first: Position }, { additionalProperties: false }),
        response: { 200: AuditConsistency },
      },
    },
    async (request, reply) => {
      const proof = await proveConsistency(store, request.query.first);
      const head = proof && auditTreeHead(proof.head);
      if (proof === undefined || head === undefined) return notFound(reply, 'size of the log');
      return reply.send({ first: proof.first, path: [...proof.path], head });
    },
  );

  api.get(
    '/api/audit/routes',
    {
      config,
      schema: {
        summary: 'What of each route is written down, and what is not, and why',
        tags,
        response: { 200: AuditRoutes },
      },
    },
    () => ({ routes: routesOf(app) }),
  );

  api.get(
    '/.well-known/healthsync-audit-keys',
    {
      config: { public: true },
      schema: { summary: 'With what the audit log is signed', tags, response: { 200: AuditKeys } },
    },
    () => ({
      origin,
      keys: [
        {
          keyId: keyIdOf(origin, publicKey),
          publicKey: String(publicKey.export({ type: 'spki', format: 'pem' })),
          verifierKey: verifierKey(origin, publicKey),
        },
      ],
    }),
  );
}

/** Whose an entry is: what names none is the first organisation's. */
function tenantOf(entry: string): string {
  return (JSON.parse(entry) as { readonly tenantId?: string }).tenantId ?? DEFAULT_TENANT;
}

function routesOf({ routeList }: FastifyInstance): AuditRoutes['routes'] {
  return routeList.flatMap(({ url, config }) =>
    Object.entries(config?.auditRules ?? {})
      .filter(([method]) => method !== 'HEAD')
      .map(([method, rule]) => ({
        method,
        url,
        kind: rule.kind,
        ...(rule.kind !== 'harmless' && { action: rule.action }),
        ...(rule.kind === 'audited' ? { when: rule.when } : { why: rule.why }),
      })),
  );
}

async function headsOf(
  { store, divergences, isFollowing = () => true }: Pick<AuditApiServices, 'store' | 'divergences' | 'isFollowing'>,
  limit: number,
): Promise<AuditHeads> {
  const [{ head, size }, notes, cursors, checked] = await Promise.all([
    store.open('healthsync-audit/none'),
    store.heads({ newest: true, limit }),
    store.cursors(),
    store.lastCheck(),
  ]);
  const now = head === undefined ? undefined : auditTreeHead(head);
  const anchors = cursors
    .filter(({ name }) => name.startsWith('anchor:') && isFollowing(name))
    .map(({ name, position, atMs, failingSinceMs }) => ({
      name: name.slice('anchor:'.length),
      ...(position > 0 && { size: position, anchoredAt: new Date(atMs).toISOString() }),
      state:
        failingSinceMs !== undefined
          ? ('failing' as const)
          : position < size
            ? ('behind' as const)
            : ('up-to-date' as const),
    }));
  return {
    ...(now !== undefined && { head: now }),
    heads: notes.map(auditTreeHead).filter((one): one is AuditTreeHead => one !== undefined),
    anchors,
    chain: chainOf(checked, divergences()),
    prunedBefore: await store.prunedBefore(),
  };
}

/** Only what is signed: what somebody wrote into the database says nothing here. */
async function restoresOf({ store, origin, publicKey }: AuditApiServices): Promise<AuditRestore[]> {
  const accepted = new AcceptedRestores(await restoresIn(store), { origin, keys: [publicKey] });
  return accepted.list().map(({ position = 0, acceptedAtMs, by, reason, restoredSize, lostSize, lostUntilMs }) => ({
    position,
    acceptedAt: rfc3339(acceptedAtMs),
    by,
    reason,
    lost: { from: restoredSize, to: lostSize - 1, signedUntil: rfc3339(lostUntilMs) },
  }));
}

function chainOf(
  checked: AuditCheck | undefined,
  divergences: ReturnType<AuditApiServices['divergences']>,
): AuditHeads['chain'] {
  const isBroken = divergences.length > 0 || (checked?.findings ?? 0) > 0;
  const found = divergences.length === 0 ? {} : { divergences: [...divergences] };
  if (checked === undefined) return { state: isBroken ? 'broken' : 'unchecked', ...found };
  const { atMs, size, findings, wholeAtMs } = checked;
  return {
    state: isBroken ? 'broken' : 'intact',
    checkedAt: rfc3339(atMs),
    checkedSize: size,
    findings,
    ...(wholeAtMs !== undefined && { wholeCheckedAt: rfc3339(wholeAtMs) }),
    ...found,
  };
}

const timeOf = (text: string | undefined): number | undefined => {
  if (text === undefined) return undefined;
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : Number.NaN;
};

function given<T extends object>(fields: T): { [Key in keyof T]?: Exclude<T[Key], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [Key in keyof T]?: Exclude<T[Key], undefined>;
  };
}
