import type { Alert } from '@healthsync/contracts/alert';
import type { LimitRule } from '@healthsync/contracts/patient';
import type { RuleInput } from '@healthsync/contracts/rule';
import type { MockAccess } from './mock-access.ts';
import { mockAccessRoutes } from './mock-access-routes.ts';
import type { MockConsents } from './mock-consents.ts';
import {
  mockEscalation,
  mockExecution,
  mockExecutions,
  mockHistory,
  mockNext,
  mockPreview,
} from './mock-escalation.ts';
import type { MockHouse } from './mock-house.ts';
import type { MockReply, MockRequest } from './mock-reply.ts';
import { createMockRules } from './mock-rules.ts';
import type { MockWard } from './mock-ward.ts';

export interface MockRoutes {
  answer(request: MockRequest): MockReply;
  /** The next request whose path ends so is refused, once. */
  failNext(pathEnd: string, status?: number): void;
}

type Handler = (request: MockRequest, id: string) => MockReply;

export function createMockRoutes({
  ward,
  house,
  access,
  consents,
  now,
  roles,
  may,
}: {
  readonly consents: MockConsents;
  readonly ward: MockWard;
  readonly house: MockHouse;
  readonly access: MockAccess;
  readonly now: () => number;
  /** Those there are. */
  readonly roles: readonly string[];
  readonly may: (role: string, action: string) => boolean;
}): MockRoutes {
  const rules = createMockRules();
  const notes = new Map<string, { id: string; at: string; author: string; text: string }[]>();
  const pushed = new Map<string, number>();
  const failing: { readonly pathEnd: string; readonly status: number }[] = [];
  const alarmOr404 = (id: string, then: (alert: Alert) => MockReply): MockReply => {
    const alert = ward.alarm(id);
    return alert === undefined ? refused(404, 'not-found', 'No such alarm.') : then(alert);
  };
  const guarded =
    (action: string, handler: Handler): Handler =>
    (request, id) =>
      may(request.role, action)
        ? handler(request, id)
        : refused(403, 'forbidden', 'no', { rolesNeeded: roles.filter((role) => may(role, action)) });
  const alter = (id: string, kind: Parameters<MockWard['alter']>[1], part: Partial<Alert>) =>
    alarmOr404(id, () => answer(ward.alter(id, kind, part) ?? {}));

  const handlers: Readonly<Record<string, Handler>> = {
    'GET /api/ward-names': () => answer({ wards: ward.wards().map(({ id, name }) => ({ id, name })) }),
    'GET /api/wards': () => answer({ wards: ward.wards() }),
    'GET /api/patients': guarded('patient.read', () => answer({ patients: ward.patients() })),
    'GET /api/patients/:id': guarded('patient.read', (_, id) => {
      const detail = access.isElsewhere(id, now()) ? undefined : ward.detail(id, now());
      return detail === undefined ? refused(404, 'not-found', 'No such patient.') : answer(detail);
    }),
    'GET /api/patients/:id/trend': ({ target }, id) =>
      answer(ward.trend(id, Number(target.searchParams.get('from')), Number(target.searchParams.get('to')))),
    'GET /api/wards/:id/sparklines': () => answer(ward.sparklines(now())),
    'PUT /api/patients/:id/limits': guarded('limits.write', ({ body }, id) => {
      const rules = (body?.['rules'] ?? []) as readonly LimitRule[];
      const bad = rules.findIndex((rule) => rule.limit > 340);
      if (bad < 0) return answer({ rules: ward.putLimits(id, rules) });
      const error = { code: 'implausible-limit', field: `rules.${bad}.limit`, detail: 'between 0 and 350 /min' };
      return refused(400, 'invalid', 'Not valid.', { errors: [error] });
    }),

    'GET /api/alerts': ({ target }) => pageOf(target, ward),
    'GET /api/alerts/choices': () =>
      answer({ snoozeMinutes: { high: [5, 15], medium: [5, 15, 30], low: [5, 15, 30] } }),
    'GET /api/alerts/:id': (_, id) =>
      alarmOr404(id, (alert) =>
        answer({
          alert,
          deliveries: [
            { channel: 'push', state: 'delivered', attempts: 1, updatedAt: alert.raisedAt },
            { channel: 'sms', state: 'failed', attempts: 4, updatedAt: alert.raisedAt },
          ],
          history: mockHistory(alert),
          notes: notes.get(id) ?? [],
        }),
      ),
    'GET /api/alerts/:id/escalation': (_, id) =>
      alarmOr404(id, (alert) => answer(mockEscalation(alert, now(), pushed.get(id) ?? 0))),
    'GET /api/alerts/:id/escalation/next': guarded('alarm.escalate', (_, id) =>
      alarmOr404(id, (alert) =>
        alert.acknowledgedAt === undefined
          ? answer(mockNext(alert, now(), pushed.get(id) ?? 0))
          : refused(409, 'already-acknowledged', `${alert.owner} has it.`),
      ),
    ),
    'GET /api/escalation/preview': ({ target }) =>
      answer(
        mockPreview(
          target.searchParams.get('patient') ?? '',
          (target.searchParams.get('priority') ?? 'high') as Alert['priority'],
          now(),
        ),
      ),
    'POST /api/alerts/:id/acknowledge': guarded('alarm.acknowledge', ({ name }, id) => {
      const taken = ward.acknowledge(id, name, now());
      return typeof taken === 'string' ? refused(409, 'already-acknowledged', taken) : answer(taken);
    }),
    'POST /api/alerts/acknowledge': guarded('alarm.acknowledge', ({ body, name }) => {
      const results = ((body?.['ids'] ?? []) as readonly string[]).map((id) => {
        if (ward.alarm(id)?.priority === 'high') return { id, outcome: 'high-priority' };
        const taken = ward.acknowledge(id, name, now());
        return typeof taken === 'string'
          ? { id, outcome: 'already-acknowledged' }
          : { id, outcome: 'acknowledged', alert: taken };
      });
      return answer({ results });
    }),
    'POST /api/alerts/:id/own': guarded('alarm.acknowledge', ({ body, name }, id) =>
      alarmOr404(id, (alert) =>
        alert.owner === body?.['from']
          ? alter(id, 'owner-changed', { owner: name, acknowledgedBy: name })
          : refused(409, 'other-owner', `${alert.owner} has it.`),
      ),
    ),
    'POST /api/alerts/:id/snooze': guarded('alarm.acknowledge', ({ body, name }, id) =>
      alter(id, 'snoozed', {
        snooze: {
          until: new Date(now() + Number(body?.['minutes']) * 60_000).toISOString(),
          by: name,
          at: new Date(now()).toISOString(),
        },
      }),
    ),
    'POST /api/alerts/:id/escalate': guarded('alarm.acknowledge', (_, id) =>
      alarmOr404(id, (alert) => {
        pushed.set(id, (pushed.get(id) ?? 0) + 1);
        return answer(mockEscalation(alert, now(), pushed.get(id) ?? 0));
      }),
    ),
    'POST /api/alerts/:id/notes': guarded('alarm.acknowledge', ({ body, name }, id) =>
      alarmOr404(id, (alert) => {
        const of = notes.get(id) ?? [];
        const note = {
          id: `n${of.length}`,
          at: new Date(now()).toISOString(),
          author: name,
          text: String(body?.['text']),
        };
        notes.set(id, [...of, note]);
        ward.alter(id, 'noted', { notes: alert.notes + 1 });
        return answer(note);
      }),
    ),

    'POST /api/rules/lint': ({ body }) => answer(rules.lint((body?.['rules'] ?? []) as readonly RuleInput[])),
    'POST /api/rules/preview': ({ body }) =>
      answer(rules.beginPreview((body?.['rules'] ?? []) as readonly RuleInput[])),
    'GET /api/rules/preview/datasets': () => answer({ datasets: [{ name: 'bidmc' }] }),
    'GET /api/rules/preview/preview-1': () => answer(rules.askPreview()),
    'DELETE /api/rules/preview/preview-1': () => answer({}),
    'GET /api/rule-proposals': guarded('rules.read', ({ role }) =>
      answer({ proposals: rules.proposals(may(role, 'limits.write')) }),
    ),
    'POST /api/rule-proposals/:id/confirm': (_, id) => answer(rules.decide(id, 'confirmed')),
    'POST /api/rule-proposals/:id/refuse': (_, id) => answer(rules.decide(id, 'refused')),
    ...rulesOf('patients', 'patient'),
    ...rulesOf('wards', 'ward'),
    ...rulesOf('house', 'house'),

    'GET /api/rotas': () => answer(house.rotas()),
    'GET /api/rotas/:id/schedule': ({ target }) =>
      answer(house.schedule(Number(target.searchParams.get('from')), Number(target.searchParams.get('to')))),
    'POST /api/rotas/check': () => answer(house.schedule(now(), now() + 28 * 86_400_000)),
    'PUT /api/rotas/:id': () => answer(house.schedule(now(), now() + 28 * 86_400_000)),
    'POST /api/rotas/:id/overrides': ({ body }) => {
      house.override(body ?? {});
      return answer(house.schedule(now(), now() + 28 * 86_400_000));
    },
    'GET /api/staff': () => answer(house.staff()),
    'GET /api/wards/:id/care-team': (_, id) =>
      answer(
        house.team(
          id,
          ward.snapshot(now(), id).tiles.map(({ bedId, bed, patientId }) => ({ bedId, bed, patientId, nurses: [] })),
        ),
      ),
    'GET /api/wards/:id/quiet-hours': () => answer(house.quietHours()),
    'PUT /api/wards/:id/shifts': () => answer({}),
    'POST /api/wards/:id/assignments': (_, id) => answer(house.team(id, [])),
    'GET /api/channels': guarded('operations.read', () => answer(house.channels())),
    'GET /api/channels/samples': () => answer(house.samples()),
    'POST /api/channels/:id/test': (_, id) => answer(house.test(id)),
    'PUT /api/channels/:id/policy': guarded('channel.write', ({ body }, id) => {
      const policy = house.putPolicy(id, body ?? {});
      return policy === undefined
        ? refused(409, 'changed-meanwhile', 'Somebody changed it meanwhile.')
        : answer(policy);
    }),
    'GET /api/me/contacts': () => answer(house.contacts()),
    'PUT /api/me/contacts': ({ body }) => {
      house.putContacts((body?.['contacts'] ?? []) as readonly { channel: string; address: string }[]);
      return answer(house.contacts());
    },
    'POST /api/me/contacts/send-code': () => answer({}),
    'POST /api/me/contacts/confirm': ({ body }) => {
      if (body?.['code'] !== '123456') return refused(400, 'wrong-code', 'That is not the code.');
      house.confirm(String(body['channel']), String(body['address']));
      return answer(house.contacts());
    },
    'GET /api/me/topics': () => answer(house.topics()),
    'PUT /api/me/topics': () => answer(house.topics()),
    'GET /api/me/quiet-hours': () => answer(house.quietHours()),
    'PUT /api/me/quiet-hours': ({ body }) => answer(house.putQuietHours(body ?? {})),
    'GET /api/push/subscriptions': () => answer({ subscriptions: [] }),
    'GET /api/topics': () => answer(house.topics()),
    'GET /api/system-alarms': () => answer({ alarms: house.system() }),

    'GET /api/workflows/executions': () => answer(mockExecutions(ward.alerts(undefined, null))),
    'GET /api/workflows/executions/:id': (_, id) =>
      alarmOr404(id.split(':')[1] ?? '', (alert) => answer(mockExecution(alert))),
    'GET /api/rejected-readings': ({ target }) =>
      answer({ rejected: target.searchParams.get('state') === 'open' ? ward.rejected(now()) : [] }),
    'GET /api/devices': () => answer({ devices: ward.devices(now()) }),
    'GET /api/device-enrollments': () => answer({ enrollments: ward.enrollments(now()) }),
    'POST /api/device-enrollments': guarded('device.enroll', ({ body }) =>
      answer({
        id: 'e9',
        deviceId: body?.['deviceId'],
        code: '7DM9-D58F-EZCR-C0WF',
        expiresAt: new Date(now() + 86_400_000).toISOString(),
        server: 'https://healthsync.example:8443/.well-known/est',
        authorityFingerprint:
          'CA:3E:33:E8:AF:96:A4:14:2F:7D:D0:C0:66:5F:4C:EB:D9:B2:44:C6:8B:04:8F:A1:4E:70:B5:3D:AA:77:38:47',
      }),
    ),
    'POST /api/device-enrollments/:id/approve': guarded('device.enroll', (_, id) =>
      answer(ward.decideEnrollment(id, 'issued', now()) ?? {}),
    ),
    'POST /api/device-enrollments/:id/refuse': guarded('device.enroll', (_, id) =>
      answer(ward.decideEnrollment(id, 'refused', now()) ?? {}),
    ),
    'POST /api/devices/:id/renew': guarded('device.write', () => answer({ outcome: 'sent' })),
    'POST /api/devices/:id/revoke': guarded('device.write', ({ body }, id) =>
      answer({ revoked: ward.revoke(id, body?.['serial'] as string | undefined, now()) }),
    ),
    ...mockAccessRoutes({ access, consents, now, guarded }),
  };

  function rulesOf(path: string, scope: 'patient' | 'ward' | 'house'): Readonly<Record<string, Handler>> {
    const at = scope === 'house' ? '/api/house' : `/api/${path}/:id`;
    const whose = (id: string) => (scope === 'house' ? '' : id);
    return {
      [`GET ${at}/rules`]: (_, id) => answer(rules.set(scope, whose(id))),
      [`PUT ${at}/rules`]: guarded('limits.write', ({ body, name, role }, id) => {
        const wanted = (body?.['rules'] ?? []) as readonly RuleInput[];
        const errors = rules.lint(wanted).problems.filter(({ severity }) => severity === 'error');
        if (errors.length > 0) return refused(400, 'invalid', 'Not valid.', { errors });
        return answer(rules.put(scope, whose(id), wanted, `${name} (${role})`));
      }),
      [`POST ${at}/rules/overrides`]: guarded('limits.write', ({ body, name, role }, id) =>
        answer(rules.override(scope === 'ward' ? 'ward' : 'patient', whose(id), body ?? {}, `${name} (${role})`)),
      ),
      [`GET ${at}/rules/versions`]: () => answer({ versions: [] }),
    };
  }

  return {
    answer(request) {
      const path = request.target.pathname;
      const failAt = failing.findIndex(({ pathEnd }) => path.endsWith(pathEnd));
      const [fail] = failAt < 0 ? [] : failing.splice(failAt, 1);
      if (fail !== undefined) return refused(fail.status, 'unavailable', 'The database is away.');
      const [, , , id = ''] = path.split('/');
      const exact = handlers[`${request.method} ${path}`];
      const named = handlers[`${request.method} ${path.replace(/^(\/api\/(?:workflows\/)?[^/]+)\/[^/]+/, '$1/:id')}`];
      const key = decodeURIComponent(path.startsWith('/api/workflows/') ? (path.split('/')[4] ?? '') : id);
      return (exact ?? named)?.(request, key) ?? refused(404, 'not-found', 'No such route.');
    },
    failNext(pathEnd, status = 503) {
      failing.push({ pathEnd, status });
    },
  };
}

const answer = (body: object): MockReply => ({ body });
const refused = (status: number, code: string, detail: string, more?: object): MockReply => ({
  status,
  code,
  detail,
  ...(more !== undefined && { more }),
});

function pageOf(target: URL, ward: MockWard): MockReply {
  const { searchParams: search } = target;
  const all = ward.alerts(search.get('patient') ?? undefined, search.get('state'));
  const from = Number(search.get('cursor') ?? 0);
  const limit = Number(search.get('limit') ?? 200);
  const alerts = all.slice(from, from + limit);
  return answer({ alerts, ...(from + limit < all.length && { next: String(from + limit) }) });
}
