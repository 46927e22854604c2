import type { ProblemDetails } from '@healthsync/contracts/problem';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { DirectoryGroup, UserProfile, UserRecord } from '../../ports/user-directory.ts';
import { rfc3339 } from '../alert-shape.ts';
import { narrowed } from './scim-attributes.ts';
import type { Listed } from './scim-list.ts';

/** SCIM 2.0 on the wire (RFC 7643, RFC 7644). */
export const SCIM = 'application/scim+json';
export const USER_SCHEMA = 'urn:ietf:params:scim:schemas:core:2.0:User';
export const GROUP_SCHEMA = 'urn:ietf:params:scim:schemas:core:2.0:Group';
const LIST_SCHEMA = 'urn:ietf:params:scim:api:messages:2.0:ListResponse';
const ERROR_SCHEMA = 'urn:ietf:params:scim:api:messages:2.0:Error';

export function userResource(user: UserRecord, groups: readonly { id: string; displayName: string }[], base: string) {
  const { id, name, displayName, externalId, profile, disabledAtMs } = user;
  const { givenName, familyName, email } = profile;
  return {
    schemas: [USER_SCHEMA],
    id,
    ...(externalId !== undefined && { externalId }),
    userName: name,
    displayName,
    active: disabledAtMs === undefined,
    ...((givenName ?? familyName) !== undefined && { name: { givenName, familyName } }),
    ...(email !== undefined && { emails: [{ value: email, type: 'work', primary: true }] }),
    groups: groups.map((group) => ({
      value: group.id,
      display: group.displayName,
      $ref: `${base}/Groups/${group.id}`,
    })),
    meta: metaOf('User', user, `${base}/Users/${id}`),
  };
}

export function groupResource(group: DirectoryGroup, base: string) {
  const { id, displayName, externalId, members } = group;
  return {
    schemas: [GROUP_SCHEMA],
    id,
    ...(externalId !== undefined && { externalId }),
    displayName,
    members: members.map((member) => ({
      value: member.id,
      display: member.displayName,
      $ref: `${base}/Users/${member.id}`,
    })),
    meta: metaOf('Group', group, `${base}/Groups/${id}`),
  };
}

export async function sendList<T>(
  request: FastifyRequest,
  reply: FastifyReply,
  list: Listed<T>,
  shown: (item: T) => object | Promise<object>,
) {
  switch (list.kind) {
    case 'bad-filter':
      return refuse(reply, 400, list.detail, 'invalidFilter');
    case 'too-many':
      return refuse(reply, 400, 'More than can be looked through: filter by eq of one name or id.', 'tooMany');
    case 'listed': {
      const resources = await Promise.all(list.items.map(shown));
      return send(reply, 200, {
        schemas: [LIST_SCHEMA],
        totalResults: list.total,
        startIndex: list.startIndex,
        itemsPerPage: resources.length,
        Resources: resources.map((resource) => narrowed(resource, request.query as object)),
      });
    }
    default:
      return list satisfies never;
  }
}

/** With its version as ETag; 304 for whoever has this one (RFC 7644 §3.14). */
export function sendResource(
  request: FastifyRequest,
  reply: FastifyReply,
  resource: { readonly meta: { readonly version: string; readonly location: string } },
  status = 200,
) {
  const { version, location } = resource.meta;
  reply.header('etag', version);
  if (status === 201) reply.header('location', location);
  if (request.method === 'GET' && request.headers['if-none-match'] === version) return reply.code(304).send();
  return send(reply, status, narrowed(resource, request.query as object));
}

export function refuse(reply: FastifyReply, status: number, detail: string, scimType?: string) {
  const type = scimType === undefined ? {} : { scimType };
  return send(reply, status, { schemas: [ERROR_SCHEMA], status: String(status), ...type, detail });
}

/** What the server refuses for us, before or beside our own code, in the words of SCIM (RFC 7644 §3.12) with our code. */
export function asScimError(reply: FastifyReply, payload: unknown): unknown {
  const type = String(reply.getHeader('content-type') ?? '');
  if (!type.startsWith('application/problem+json') || typeof payload !== 'string') return payload;
  const { status, code, detail, errors = [] } = JSON.parse(payload) as ProblemDetails;
  reply.header('content-type', SCIM);
  return JSON.stringify({
    schemas: [ERROR_SCHEMA],
    status: String(status),
    code,
    ...(code === 'invalid-input' && { scimType: 'invalidValue' }),
    detail: [detail, ...errors.map((one) => `${one.field}: ${one.detail}`)].filter(Boolean).join(' '),
  });
}

export function send(reply: FastifyReply, status: number, body: object) {
  return reply.code(status).header('content-type', SCIM).serializer(JSON.stringify).send(body);
}

/** What `If-Match` asks for; `bad`: a version that we never gave. */
export function revisionAsked(request: FastifyRequest): number | undefined | 'bad' {
  const text = request.headers['if-match'];
  if (text === undefined || text === '*') return undefined;
  const revision = /^W\/"(\d{1,9})"$/.exec(text)?.[1];
  return revision === undefined ? 'bad' : Number(revision);
}

/** The parts of a user we keep, from what a directory sends. */
export function profileOf(body: {
  readonly name?: { readonly givenName?: string; readonly familyName?: string } | undefined;
  readonly emails?: readonly { readonly value?: string; readonly primary?: boolean }[] | undefined;
}): UserProfile {
  const email = (body.emails?.find(({ primary }) => primary === true) ?? body.emails?.[0])?.value;
  const { givenName, familyName } = body.name ?? {};
  return {
    ...(givenName !== undefined && { givenName }),
    ...(familyName !== undefined && { familyName }),
    ...(email !== undefined && { email }),
  };
}

function metaOf(
  resourceType: string,
  { revision, createdAtMs, changedAtMs }: Pick<UserRecord, 'revision' | 'createdAtMs' | 'changedAtMs'>,
  location: string,
) {
  return {
    resourceType,
    created: rfc3339(createdAtMs),
    lastModified: rfc3339(changedAtMs),
    location,
    version: `W/"${revision}"`,
  };
}
