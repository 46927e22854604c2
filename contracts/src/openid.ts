import { type Static, Type } from 'typebox';

const ActionWords = Type.Record(Type.String(), Type.String(), {
  description: 'What those of the scopes are called that are actions of this interface.',
});

/** What a person is asked before an app may act for them. */

export const AppQuestion = Type.Object(
  {
    client: Type.String({ description: 'The app’s name.' }),
    scopes: Type.Array(Type.String()),
    words: ActionWords,
    accessSeconds: Type.Integer({ description: 'How long what it gets lets it in.' }),
    refreshSeconds: Type.Optional(
      Type.Integer({ description: 'How long it can get the next by itself, in all. Absent: it asks again each time.' }),
    ),
    isFreshNeeded: Type.Boolean({ description: 'Show once more who you are, then answer.' }),
    needsPatient: Type.Boolean({ description: 'The app works with one patient, who must be chosen.' }),
    patientId: Type.Optional(Type.String({ description: 'The patient it was opened for.' })),
  },
  { $id: 'AppQuestion' },
);
export type AppQuestion = Static<typeof AppQuestion>;

export const AppAnswer = Type.Object(
  { allow: Type.Boolean(), patientId: Type.Optional(Type.String({ maxLength: 64 })) },
  { $id: 'AppAnswer', additionalProperties: false },
);
export type AppAnswer = Static<typeof AppAnswer>;

export const AppAnswered = Type.Object({ location: Type.String() }, { $id: 'AppAnswered' });
export type AppAnswered = Static<typeof AppAnswered>;

/** `GET /api/me/apps`: what I have let apps have; ended one by one with `DELETE /api/me/apps/{id}`. */
export const AppsLetIn = Type.Object(
  {
    apps: Type.Array(
      Type.Object({
        id: Type.String(),
        client: Type.String({ description: 'The app’s name.' }),
        scopes: Type.Array(Type.String()),
        words: ActionWords,
        patientId: Type.Optional(Type.String({ description: 'The only patient it works with.' })),
        letInAt: Type.String(),
        lastUsedAt: Type.Optional(Type.String({ description: 'To the minute.' })),
        endsAt: Type.String({ description: 'Unless it gets the next before.' }),
      }),
    ),
  },
  { $id: 'AppsLetIn' },
);
export type AppsLetIn = Static<typeof AppsLetIn>;

export const NewAppLaunch = Type.Object(
  { patientId: Type.String({ maxLength: 64 }) },
  { $id: 'NewAppLaunch', additionalProperties: false },
);
export type NewAppLaunch = Static<typeof NewAppLaunch>;

/** For the app's launch address: `?launch=…&iss=…` (SMART App Launch). */
export const AppLaunch = Type.Object({ launch: Type.String(), iss: Type.String() }, { $id: 'AppLaunch' });
export type AppLaunch = Static<typeof AppLaunch>;

const Key = Type.Object(
  {
    kty: Type.Enum(['EC', 'RSA']),
    kid: Type.String({ minLength: 1, maxLength: 128 }),
    alg: Type.Optional(Type.Enum(['ES256', 'ES384', 'RS256', 'RS384', 'PS256', 'PS384'])),
    use: Type.Optional(Type.Literal('sig')),
    crv: Type.Optional(Type.Enum(['P-256', 'P-384'])),
    x: Type.Optional(Type.String({ maxLength: 128 })),
    y: Type.Optional(Type.String({ maxLength: 128 })),
    n: Type.Optional(Type.String({ maxLength: 1024 })),
    e: Type.Optional(Type.String({ maxLength: 16 })),
  },
  // Without `d`: a private key that is sent here is refused, and with it known to be lost.
  { additionalProperties: false },
);

/** `POST /api/clients/{id}/keys`: one more public key, so that the system can move to it before the old one goes. */
export const ClientKey = Type.Object({ key: Key }, { $id: 'ClientKey', additionalProperties: false });
export type ClientKey = Static<typeof ClientKey>;

/** `POST /api/clients`: an app people sign in to, or a service account. */
export const NewClient = Type.Object(
  {
    id: Type.String({ pattern: '^[A-Za-z0-9_-][A-Za-z0-9._-]{0,59}$' }),
    kind: Type.Enum(['app', 'service']),
    name: Type.String({ minLength: 1, maxLength: 100 }),
    redirectUris: Type.Optional(Type.Array(Type.String({ maxLength: 500 }), { maxItems: 10 })),
    jwks: Type.Optional(
      Type.Object({ keys: Type.Array(Key, { minItems: 1, maxItems: 5 }) }, { additionalProperties: false }),
    ),
    scopes: Type.Array(Type.String({ minLength: 1, maxLength: 100 }), { maxItems: 50 }),
    roles: Type.Optional(Type.Array(Type.String(), { maxItems: 10 })),
    wards: Type.Optional(Type.Array(Type.String(), { maxItems: 200 })),
    mustProveKey: Type.Optional(
      Type.Boolean({ description: 'Gets only tokens that are bound to a key it proves to hold (DPoP, RFC 9449).' }),
    ),
    mustPushRequests: Type.Optional(
      Type.Boolean({ description: 'An app that must push its requests to sign in (PAR, RFC 9126).' }),
    ),
  },
  { $id: 'NewClient', additionalProperties: false },
);
export type NewClient = Static<typeof NewClient>;

export const Client = Type.Object(
  {
    id: Type.String(),
    kind: Type.Enum(['app', 'service']),
    name: Type.String(),
    redirectUris: Type.Array(Type.String()),
    hasKey: Type.Boolean(),
    keys: Type.Array(
      Type.Object({
        kid: Type.String(),
        kty: Type.String(),
        alg: Type.Optional(Type.String()),
        thumbprint: Type.String({ description: 'RFC 7638, SHA-256: to compare with what the system shows.' }),
      }),
    ),
    scopes: Type.Array(Type.String()),
    roles: Type.Array(Type.String()),
    wards: Type.Array(Type.String()),
    createdAt: Type.String(),
    createdBy: Type.String(),
    mustProveKey: Type.Optional(
      Type.Boolean({ description: 'It gets only tokens that are bound to a key (DPoP, RFC 9449).' }),
    ),
    mustPushRequests: Type.Optional(
      Type.Boolean({ description: 'It must push its requests to sign in (PAR, RFC 9126).' }),
    ),
    disabledAt: Type.Optional(Type.String()),
    lastUsedAt: Type.Optional(Type.String({ description: 'When it last got a token, to the minute.' })),
  },
  { $id: 'Client' },
);
export type Client = Static<typeof Client>;

export const ClientList = Type.Object(
  {
    clients: Type.Array(Client),
    scopes: Type.Array(Type.Object({ scope: Type.String(), words: Type.Optional(Type.String()) }), {
      description: 'Those that can be granted, but for the many of FHIR.',
    }),
    roles: Type.Array(Type.String({ description: 'What a service account can act as.' })),
  },
  { $id: 'ClientList' },
);
export type ClientList = Static<typeof ClientList>;
