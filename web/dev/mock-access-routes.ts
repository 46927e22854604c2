import type { MockAccess } from './mock-access.ts';
import type { MockConsents } from './mock-consents.ts';
import { createMockKeys } from './mock-keys.ts';
import type { MockReply, MockRequest } from './mock-reply.ts';
import { createMockSecurity } from './mock-security.ts';
import { createMockWardPlan } from './mock-ward-plan.ts';

type Handler = (request: MockRequest, id: string) => MockReply;

/** What the pages of access, audit, accounts and keys ask. */
export function mockAccessRoutes({
  access,
  consents,
  now,
  guarded,
}: {
  readonly access: MockAccess;
  readonly consents: MockConsents;
  readonly now: () => number;
  readonly guarded: (action: string, handler: Handler) => Handler;
}): Readonly<Record<string, Handler>> {
  /** As the server: not before a fresh proof. */
  const proven =
    (handler: Handler): Handler =>
    (request, id) =>
      access.isProven() ? handler(request, id) : refused(403, 'fresh-proof-needed', 'Show once more that it is you.');
  const found = (body: object | undefined): MockReply =>
    body === undefined ? refused(404, 'not-found', 'No such thing.') : { body };

  const keys = createMockKeys(now());
  const security = createMockSecurity(now());
  const plan = createMockWardPlan();
  return {
    'GET /api/ward-plan': guarded('user.read', () => ({ body: plan.whole() })),
    'POST /api/wards': guarded(
      'ward.write',
      proven(({ body }) => plan.addWard(body)),
    ),
    'PUT /api/wards/:id': guarded(
      'ward.write',
      proven(({ body }, id) => found(plan.changeWard(id, body))),
    ),
    'DELETE /api/wards/:id': guarded(
      'ward.write',
      proven((_, id) => found(plan.removeWard(id))),
    ),
    'POST /api/beds': guarded(
      'ward.write',
      proven(({ body }) => plan.addBed(body)),
    ),
    'PUT /api/beds/:id': guarded(
      'ward.write',
      proven(({ body }, id) => found(plan.changeBed(id, body))),
    ),
    'DELETE /api/beds/:id': guarded(
      'ward.write',
      proven((_, id) => plan.removeBed(id)),
    ),
    'GET /api/security-alerts': guarded('security-alert.read', ({ target }) => ({
      body: security.list(target.searchParams),
    })),
    'POST /api/security-alerts/:id/look': guarded('security-alert.close', ({ name }, id) =>
      found(security.look(id, name)),
    ),
    'POST /api/security-alerts/:id/close': guarded('security-alert.close', ({ body, name }, id) =>
      found(security.close(id, body ?? {}, name)),
    ),
    'GET /api/leak-scans': guarded('security-alert.read', () => ({ body: security.scans() })),
    'POST /api/leak-scans': guarded('leak-scan.run', () => ({ body: {} })),

    'GET /api/clients': guarded('user.read', () => ({ body: keys.clients() })),
    'POST /api/clients': guarded(
      'user.write',
      proven(({ body, name }) => ({ body: keys.addClient(body ?? {}, name, now()) })),
    ),
    'POST /api/clients/:id/keys': guarded(
      'user.write',
      proven(({ body }, id) => found(keys.addKey(id, (body?.['key'] ?? {}) as { kid: string; kty: string }))),
    ),
    'DELETE /api/clients/:id': guarded(
      'user.write',
      proven((_, id) => found(keys.endClient(id, now()))),
    ),
    'GET /api/api-keys': guarded('user.read', () => ({ body: keys.everybodys() })),
    'DELETE /api/api-keys/:id': guarded(
      'user.write',
      proven((_, id) => ({ body: keys.end(id) })),
    ),
    'GET /api/me/access': () => ({ body: keys.mine() }),
    'GET /api/me/apps': () => ({ body: keys.apps() }),
    'DELETE /api/me/apps/app1': () => found(keys.endApp('app1')),
    'GET /api/me/key-scopes': () => ({ body: keys.scopes() }),
    'POST /api/me/keys': proven(({ body }) => ({ body: keys.make(body ?? {}, now()) })),

    'GET /api/consents': guarded('consent.read', () => ({ body: { consents: consents.recent() } })),
    'GET /api/patients/:id/consents': guarded('consent.read', (_, id) => ({
      body: { consents: consents.ofPatient(id), treatment: 'not-needed' },
    })),
    'POST /api/patients/:id/consents': guarded('consent.write', ({ body, name }, id) => ({
      body: consents.give(id, body ?? {}, name, now()),
    })),
    'GET /api/consents/:id/versions': guarded('consent.read', (_, id) => ({
      body: { versions: consents.versions(id) },
    })),
    'POST /api/consents/:id/revoke': guarded('consent.write', ({ body, name }, id) => {
      const version = consents.versions(id)[0]?.version;
      return version === body?.['version']
        ? found(consents.revoke(id, body ?? {}, name, now()))
        : refused(412, 'changed-meanwhile', 'Rui Tavares changed this. Look again, then send anew.');
    }),

    'GET /api/patients/:id/vip': (_, id) => ({
      body: { patientId: id, isVip: id === 'P13', reason: 'Known from television' },
    }),
    'GET /api/users': guarded('user.read', ({ target }) => ({
      body: access.users(target.searchParams.get('q') ?? ''),
    })),
    'PATCH /api/users/:id': guarded(
      'user.write',
      proven(({ body }, id) => found(access.changeUser(id, body ?? {}))),
    ),
    'POST /api/users/:id/reset-factors': guarded(
      'user.write',
      proven((_, id) => found(access.changeUser(id, { secondFactors: [] }))),
    ),
    'POST /api/users/:id/end-sessions': guarded(
      'user.write',
      proven(() => ({ body: {} })),
    ),
    'GET /api/session/factors': () => ({ body: access.factors() }),
    'POST /api/session/factors/check': proven(() => ({ body: {} })),
    'POST /api/session/factors/totp': proven(() => ({
      body: { ticket: 't', secret: 'JBSWY3DPEHPK3PXP', uri: 'otpauth://totp/HealthSync:nora?secret=JBSWY3DPEHPK3PXP' },
    })),
    'POST /api/session/factors/totp/confirm': proven(({ body }) => {
      const added = access.addFactor(body?.['code']);
      return added === undefined
        ? refused(422, 'factor-not-confirmed', 'That does not match. Try again.')
        : { body: added };
    }),
    'POST /api/session/step-up': ({ body }) =>
      access.prove(body ?? {}) ? { body: {} } : refused(401, 'wrong-credentials', 'That is not the code.'),

    'GET /api/access/policies': guarded('access.explain', () => ({ body: access.policies() })),
    'GET /api/access/why': guarded('access.explain', ({ target: { searchParams: search } }) => ({
      body: access.why(search.get('user') ?? '', search.get('action') ?? '', search.get('patient')),
    })),
    'GET /api/me/break-glass': () => ({ body: access.mine(now()) }),
    'POST /api/break-glass': guarded('break-glass.use', (request, id) =>
      access.hasFactor()
        ? proven(({ body, name }) => ({ body: access.openRecord(name, body ?? {}, now()) }))(request, id)
        : refused(403, 'second-factor-missing', 'This asks for a second factor, and you have none.'),
    ),
    'POST /api/break-glass/:id/end': (_, id) => found(access.endRecord(id, now())),
    'GET /api/break-glass': guarded('break-glass.review', ({ target }) => ({
      body: access.emergencies(target.searchParams.get('state') === 'reviewed'),
    })),
    'POST /api/break-glass/:id/review': guarded(
      'break-glass.review',
      proven(({ body, name }, id) => found(access.review(id, body ?? {}, name, now()))),
    ),

    'GET /api/audit': guarded('audit.read', ({ target }) => ({ body: access.log.page(target.searchParams) })),
    'GET /api/audit/heads': guarded('audit.read', () => ({ body: access.log.heads() })),
    'GET /api/audit/proof': guarded('audit.read', ({ target }) =>
      found(access.log.proof(Number(target.searchParams.get('position')))),
    ),
    'GET /api/keys': guarded('key.read', () => ({ body: access.keys() })),
  };
}

const refused = (status: number, code: string, detail: string): MockReply => ({ status, code, detail });
