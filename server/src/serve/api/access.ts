import { AccessPolicies, AccessWhy } from '@healthsync/contracts/access';
import type { FastifyInstance, RouteOptions } from 'fastify';
import { type Static, Type } from 'typebox';
import type { Explanation, ResourceRef } from '../../access/decisions.ts';
import { rolesFor, rolesMay } from '../../access/role-decisions.ts';
import { sessionOfUser } from '../../access/user-subject.ts';
import { ACTION_NAMES, ACTIONS, type Action, PURPOSES, ROLES } from '../../domain/access.ts';
import { parseDeviceId, parsePatientId, parseWardId } from '../../domain/ids.ts';
import type { RegistryView } from '../../identity/registry-view.ts';
import type { User } from '../../ports/accounts.ts';
import { rfc3339 } from '../alert-shape.ts';
import { invalid, notFound } from '../problem.ts';
import type { Api } from '../validation.ts';
import type { AccessServices } from './access-services.ts';
import { registerBreakGlass } from './break-glass.ts';
import { Id } from './parameters.ts';

const WhyQuery = Type.Object(
  {
    user: Type.String({ minLength: 1, maxLength: 64, description: 'Sign-in name or id.' }),
    action: Type.Enum([...ACTION_NAMES]),
    patient: Type.Optional(Id),
    ward: Type.Optional(Id),
    device: Type.Optional(Id),
    purpose: Type.Optional(Type.Enum([...PURPOSES], { description: 'What for; absent: treatment, or operations.' })),
    scope: Type.Optional(
      Type.String({ maxLength: 400, description: 'As by a key or app that has these scopes, separated by spaces.' }),
    ),
  },
  { additionalProperties: false },
);

/** Why somebody may see something, the policies that say so, and emergency access. */
export function registerAccess(app: FastifyInstance, services: AccessServices): void {
  const api = app as unknown as Api;
  const { access, policies, users, view, now } = services;

  api.get(
    '/api/access/why',
    {
      config: { action: 'access.explain' },
      schema: {
        summary: 'Why somebody may do something, or may not: the policies that decided, and what they looked at',
        tags: ['access'],
        querystring: WhyQuery,
        response: { 200: AccessWhy },
      },
    },
    async (request, reply) => {
      const { user: asked, action, purpose, scope } = request.query;
      const resource = resourceOf(request.query, view());
      if ('field' in resource)
        return invalid(reply, [{ code: 'unknown', field: resource.field, detail: `no such ${resource.field}` }]);
      const user = (await users()).find(({ id, name }) => id === asked || name === asked.toLowerCase());
      if (user === undefined) return notFound(reply, 'person');
      const fresh = sessionOfUser(user, now());
      const principal = scope === undefined ? fresh : { ...fresh, kind: 'api' as const, scopes: scopesIn(scope) };
      const explained = access.explain({
        principal,
        action: action as Action,
        resource,
        ...(purpose !== undefined && { context: { purpose } }),
      });
      return reply.send(shown(user, action as Action, resource, explained));
    },
  );

  api.get(
    '/api/access/policies',
    {
      config: { action: 'access.explain' },
      schema: {
        summary: 'Every policy, and what each role may do at all',
        tags: ['access'],
        response: { 200: AccessPolicies },
      },
    },
    async (_request, reply) =>
      reply.send({
        policies: [...policies.values()].map(({ id, file, effect, title, text }) => ({
          id,
          file,
          effect,
          title,
          text,
        })),
        roles: ROLES.map((role) => ({ role, actions: ACTION_NAMES.filter((action) => rolesMay([role], action)) })),
        actions: ACTION_NAMES.map((name) => ({ name, ...ACTIONS[name] })),
        routes: app.routeList.flatMap(routesShown),
      }),
  );

  registerBreakGlass(app, services);

  function shown(user: User, action: Action, resource: ResourceRef, explained: Explanation): AccessWhy {
    const { allowed, rules, attributes, needs, obligation } = explained;
    const emergency =
      resource.kind === 'patient'
        ? services.emergencies.runningOf(user.id).find(({ patientId }) => patientId === resource.patientId)
        : undefined;
    return {
      user: {
        userId: user.id,
        name: user.name,
        displayName: user.displayName,
        roles: [...user.roles],
        wardIds: [...user.wardIds],
      },
      action: { name: action, words: ACTIONS[action].words },
      resource: resourceShown(resource, view()),
      allowed: allowed && user.disabledAtMs === undefined,
      summary: summaryOf(user, action, explained),
      policies: rules.map(({ id, effect, title, text }) => ({ id, effect, title, text })),
      attributes: attributes.map((attribute) => ({ ...attribute })),
      ...(allowed ? {} : { rolesNeeded: [...(needs ?? rolesFor(action))] }),
      ...(obligation !== undefined && { obligation }),
      ...(emergency !== undefined && { emergency: { id: emergency.id, until: rfc3339(emergency.endsAtMs) } }),
      askedAt: rfc3339(now()),
    };
  }
}

const scopesIn = (text: string): readonly string[] => text.split(' ').filter((one) => one !== '');

/** HEAD is what GET is, without the body. */
function routesShown({ method, url, config = {} }: RouteOptions): AccessPolicies['routes'] {
  const asks = config.action ?? (config.signedIn === true ? 'own.use' : config.device === true ? 'device' : 'public');
  return [method]
    .flat()
    .filter((one) => one !== 'HEAD')
    .map((one) => ({ method: one, path: url, asks }));
}

function summaryOf(user: User, action: Action, { allowed, rules, needs, obligation }: Explanation): string {
  const what = ACTIONS[action].words;
  if (user.disabledAtMs !== undefined) return `No: the account of ${user.displayName} is disabled.`;
  const why = rules.map(({ title }) => title).join(' ');
  if (allowed) return `Yes: ${user.displayName} may ${what}. ${why}`;
  if (rules.length === 0)
    return `No: nothing permits ${user.displayName} to ${what}. It needs one of these roles: ${(needs ?? []).map((role) => role.replaceAll('-', ' ')).join(', ') || 'none has it'}.`;
  const way = obligation === 'break-glass' ? ' In an emergency they can open it, with a reason.' : '';
  return `No: ${user.displayName} may not ${what}. ${why}${way}`;
}

function resourceOf(
  { patient, ward, device }: Pick<Static<typeof WhyQuery>, 'patient' | 'ward' | 'device'>,
  view: RegistryView,
): ResourceRef | { readonly field: 'patient' | 'ward' | 'device' } {
  if (patient !== undefined) {
    const patientId = parsePatientId(patient);
    // Of somebody who is not here it can be asked as well: they may have been, or may come.
    return patientId === undefined ? { field: 'patient' } : { kind: 'patient', patientId };
  }
  if (ward !== undefined) {
    const wardId = parseWardId(ward);
    return wardId === undefined ? { field: 'ward' } : { kind: 'ward', wardId };
  }
  if (device === undefined) return { kind: 'door' };
  const deviceId = parseDeviceId(device);
  if (deviceId === undefined || view.device(deviceId) === undefined) return { field: 'device' };
  const wardId = wardOfDevice(view, deviceId);
  return { kind: 'device', deviceId, ...(wardId !== undefined && { wardId }) };
}

function wardOfDevice(view: RegistryView, deviceId: string) {
  const worn = view.patientAt(deviceId, view.takenAtMs);
  return worn === undefined ? undefined : view.place(worn)?.wardId;
}

function resourceShown(resource: ResourceRef, view: RegistryView): AccessWhy['resource'] {
  switch (resource.kind) {
    case 'patient': {
      const wardId = view.place(resource.patientId)?.wardId;
      return { kind: 'patient', id: resource.patientId, ...(wardId !== undefined && { wardId }) };
    }
    case 'ward':
      return { kind: 'ward', ...(resource.wardId !== undefined && { id: resource.wardId }) };
    case 'device':
      return {
        kind: 'device',
        id: resource.deviceId,
        ...(resource.wardId !== undefined && { wardId: resource.wardId }),
      };
    default:
      return { kind: 'house' };
  }
}
