import { type Static, Type } from 'typebox';

/** Accounts, as whoever manages them sees and changes them. */

const Name = Type.String({ minLength: 1, maxLength: 64 });
const DisplayName = Type.String({ minLength: 1, maxLength: 100 });
const Roles = Type.Array(Type.String({ maxLength: 32 }), { maxItems: 10 });
const Wards = Type.Array(Type.String({ maxLength: 64 }), {
  maxItems: 200,
  description: 'The wards this person sees; empty: all.',
});

export const User = Type.Object(
  {
    id: Type.String(),
    name: Type.String(),
    displayName: Type.String(),
    roles: Type.Array(Type.String()),
    wards: Type.Array(Type.String()),
    source: Type.Enum(['local', 'federated', 'directory'], {
      description: 'Who looks after the account: we, another provider, or the hospital’s directory.',
    }),
    disabledAt: Type.Optional(Type.String()),
    hasPassword: Type.Boolean(),
    secondFactors: Type.Array(Type.String()),
    isSecondFactorRequired: Type.Boolean(),
    revision: Type.Integer(),
    createdAt: Type.String(),
    changedAt: Type.String(),
  },
  { $id: 'User' },
);
export type User = Static<typeof User>;

export const UserList = Type.Object(
  {
    users: Type.Array(User),
    total: Type.Integer(),
    roles: Type.Array(Type.String({ description: 'Those there are.' })),
  },
  { $id: 'UserList' },
);
export type UserList = Static<typeof UserList>;

export const NewUser = Type.Object(
  { name: Name, displayName: DisplayName, roles: Roles, wards: Type.Optional(Wards) },
  { $id: 'NewUser', additionalProperties: false },
);
export type NewUser = Static<typeof NewUser>;

/** A link with which somebody sets their own password: nobody else ever knows it. */
export const Invitation = Type.Object(
  { path: Type.String({ description: '`/invitation#…`: good once.' }), expiresAt: Type.String() },
  { $id: 'Invitation' },
);
export type Invitation = Static<typeof Invitation>;

export const UserAdded = Type.Object({ user: User, invitation: Invitation }, { $id: 'UserAdded' });
export type UserAdded = Static<typeof UserAdded>;

/** What is not named stays. `revision` as it was read: a change that somebody else made meanwhile is not undone. */
export const ChangeUser = Type.Object(
  {
    revision: Type.Integer({ minimum: 1 }),
    displayName: Type.Optional(DisplayName),
    roles: Type.Optional(Roles),
    wards: Type.Optional(Wards),
    disabled: Type.Optional(Type.Boolean()),
  },
  { $id: 'ChangeUser', additionalProperties: false },
);
export type ChangeUser = Static<typeof ChangeUser>;

export const AcceptInvitation = Type.Object(
  { code: Type.String({ minLength: 1, maxLength: 128 }), password: Type.String({ minLength: 12, maxLength: 256 }) },
  { $id: 'AcceptInvitation', additionalProperties: false },
);
export type AcceptInvitation = Static<typeof AcceptInvitation>;

export const NewApiKey = Type.Object(
  {
    label: Type.String({ minLength: 1, maxLength: 64 }),
    scopes: Type.Array(Type.String({ maxLength: 64 }), {
      minItems: 1,
      maxItems: 40,
      description: 'Actions: `alarm.read`, `alarm.*`, or `*` for all that the roles allow.',
    }),
    days: Type.Integer({ minimum: 1, maximum: 366 }),
  },
  { $id: 'NewApiKey', additionalProperties: false },
);
export type NewApiKey = Static<typeof NewApiKey>;

/** Shown once. */
export const ApiKeyMade = Type.Object(
  { id: Type.String(), token: Type.String(), expiresAt: Type.String() },
  { $id: 'ApiKeyMade' },
);
export type ApiKeyMade = Static<typeof ApiKeyMade>;

export const Access = Type.Object(
  {
    id: Type.String(),
    kind: Type.Enum(['session', 'api']),
    label: Type.Optional(Type.String()),
    factors: Type.Array(Type.String()),
    scopes: Type.Optional(Type.Array(Type.String())),
    createdAt: Type.String(),
    expiresAt: Type.String(),
    lastUsedAt: Type.Optional(Type.String({ description: 'To the minute.' })),
    isThis: Type.Boolean({ description: 'The one this was asked with.' }),
  },
  { $id: 'Access' },
);
export type Access = Static<typeof Access>;

/** What of mine is open now: sessions and keys. */
export const AccessList = Type.Object({ open: Type.Array(Access) }, { $id: 'AccessList' });
export type AccessList = Static<typeof AccessList>;

/** `GET /api/api-keys`: everybody's, for whoever manages accounts; ended by `DELETE /api/api-keys/{id}`. */
export const ApiKeyList = Type.Object(
  {
    keys: Type.Array(
      Type.Object({
        id: Type.String(),
        label: Type.Optional(Type.String()),
        owner: Type.Object({ userId: Type.String(), name: Type.String(), displayName: Type.String() }),
        scopes: Type.Optional(Type.Array(Type.String(), { description: 'Absent: all that its owner may do.' })),
        createdAt: Type.String(),
        expiresAt: Type.String(),
        lastUsedAt: Type.Optional(Type.String()),
      }),
    ),
  },
  { $id: 'ApiKeyList' },
);
export type ApiKeyList = Static<typeof ApiKeyList>;

/** `GET /api/me/key-scopes`: what a key of mine can be narrowed to. */
export const KeyScopes = Type.Object(
  { scopes: Type.Array(Type.Object({ scope: Type.String(), words: Type.String() })) },
  { $id: 'KeyScopes' },
);
export type KeyScopes = Static<typeof KeyScopes>;
