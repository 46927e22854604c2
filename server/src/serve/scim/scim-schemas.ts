import { GROUP_SCHEMA, USER_SCHEMA } from './scim-shape.ts';

/** What of a user and a group is kept here, for a directory that asks (RFC 7643 §7): the rest is passed over. */
export const SCHEMAS = [
  schema(USER_SCHEMA, 'User', 'A person of the directory', [
    text('userName', { required: true, uniqueness: 'server' }),
    text('displayName'),
    text('externalId', { caseExact: true }),
    flag('active'),
    complex('name', [text('givenName'), text('familyName')]),
    complex('emails', [text('value'), { ...text('type'), canonicalValues: ['work'] }, flag('primary')], 'readWrite'),
    complex(
      'groups',
      [text('value', { mutability: 'readOnly' }), text('display', { mutability: 'readOnly' })],
      'readOnly',
    ),
  ]),
  schema(GROUP_SCHEMA, 'Group', 'A group, which may mean a role and a ward', [
    text('displayName', { required: true, uniqueness: 'server' }),
    text('externalId', { caseExact: true }),
    complex(
      'members',
      [text('value', { mutability: 'immutable' }), text('display', { mutability: 'readOnly' })],
      'readWrite',
    ),
  ]),
] as const;

function schema(id: string, name: string, description: string, attributes: readonly object[]) {
  return { schemas: ['urn:ietf:params:scim:schemas:core:2.0:Schema'], id, name, description, attributes };
}

function attribute(name: string) {
  return { name, multiValued: false, required: false, mutability: 'readWrite', returned: 'default' };
}

function text(name: string, different: object = {}) {
  return { ...attribute(name), type: 'string', caseExact: false, uniqueness: 'none', ...different };
}

function flag(name: string) {
  return { ...attribute(name), type: 'boolean' };
}

/** One value is all that is kept of `name`; the others are lists. */
function complex(name: string, subAttributes: readonly object[], mutability = 'readWrite') {
  return { ...attribute(name), type: 'complex', multiValued: name !== 'name', mutability, subAttributes };
}
