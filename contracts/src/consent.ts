import { type Static, Type } from 'typebox';

/**
 * What a patient has consented to, or refused: for a purpose, for a time, to a named party where it is about sharing.
 * Every change is a new version; none is ever rewritten. A revocation holds from the moment it is recorded.
 */
export const ConsentPurpose = Type.Enum(['treatment', 'research', 'sharing']);
export type ConsentPurpose = Static<typeof ConsentPurpose>;

/** How it came to us. */
export const ConsentSource = Type.Enum(['in-person', 'form', 'representative', 'other-system']);
export type ConsentSource = Static<typeof ConsentSource>;

/** A colleague who was there, by the name they sign in with: nobody else is named in a record of consent. */
export const ConsentWitness = Type.String({ pattern: '^[a-z0-9][a-z0-9._@-]{0,63}$' });

const Moment = Type.String({ maxLength: 40, description: 'RFC 3339 with zone.' });

/** Who is shared with: the sign-in name of its account here, which is also what an event subscription names. */
export const ConsentParty = Type.String({ pattern: '^[a-z0-9][a-z0-9._@-]{0,63}$' });

export const Consent = Type.Object(
  {
    id: Type.String(),
    version: Type.Integer({ minimum: 1 }),
    patientId: Type.String(),
    purpose: ConsentPurpose,
    party: Type.Optional(Type.String({ description: 'With `sharing`, and only there.' })),
    decision: Type.Enum(['permit', 'deny'], { description: 'A deny stands above every permit for the same.' }),
    state: Type.Enum(['active', 'revoked']),
    standing: Type.Enum(['in-force', 'to-come', 'over', 'revoked'], { description: 'At the moment it was read.' }),
    from: Moment,
    until: Type.Optional(Type.String({ description: 'The first moment at which it no longer holds.' })),
    givenAt: Type.String({ description: 'When the patient said so.' }),
    recordedAt: Type.String({ description: 'When this version was recorded here.' }),
    recordedBy: Type.String(),
    source: Type.Optional(ConsentSource),
    witness: Type.Optional(Type.String()),
  },
  { $id: 'Consent' },
);
export type Consent = Static<typeof Consent>;

export const ConsentList = Type.Object(
  {
    consents: Type.Array(Consent),
    treatment: Type.Enum(['needed', 'not-needed'], { description: 'Whether treatment rests on consent here.' }),
  },
  { $id: 'ConsentList' },
);
export type ConsentList = Static<typeof ConsentList>;

/** `GET /api/consents`: of all patients one may see, each in its newest version, recorded last first. */
export const ConsentRecords = Type.Object(
  { consents: Type.Array(Consent), next: Type.Optional(Type.String({ description: 'For `cursor`: there are more.' })) },
  { $id: 'ConsentRecords' },
);
export type ConsentRecords = Static<typeof ConsentRecords>;

/** `GET /api/consents/{id}/versions`: newest first. */
export const ConsentVersions = Type.Object({ versions: Type.Array(Consent) }, { $id: 'ConsentVersions' });
export type ConsentVersions = Static<typeof ConsentVersions>;

/** `POST /api/patients/{id}/consents`. */
export const GiveConsent = Type.Object(
  {
    purpose: ConsentPurpose,
    party: Type.Optional(ConsentParty),
    decision: Type.Optional(Type.Enum(['permit', 'deny'], { description: 'Default: `permit`.' })),
    from: Type.Optional(Moment),
    until: Type.Optional(Moment),
    givenAt: Type.Optional(Moment),
    source: Type.Optional(ConsentSource),
    witness: Type.Optional(ConsentWitness),
  },
  { $id: 'GiveConsent', additionalProperties: false },
);
export type GiveConsent = Static<typeof GiveConsent>;

/** `PUT /api/consents/{id}`: other times, as a new version. */
export const AmendConsent = Type.Object(
  {
    from: Type.Optional(Moment),
    until: Type.Optional(Type.Union([Moment, Type.Null()], { description: '`null`: without end.' })),
    version: Type.Optional(Type.Integer({ minimum: 1, description: 'This was made from; or `If-Match`.' })),
  },
  { $id: 'AmendConsent', additionalProperties: false },
);
export type AmendConsent = Static<typeof AmendConsent>;

/**
 * `POST /api/consents/{id}/revoke`; the body may be left out. With a version, only what was looked at is revoked; without
 * one nobody is asked to look first.
 */
export const RevokeConsent = Type.Object(
  {
    version: Type.Optional(Type.Integer({ minimum: 1 })),
    source: Type.Optional(ConsentSource),
    witness: Type.Optional(ConsentWitness),
  },
  { $id: 'RevokeConsent', additionalProperties: false },
);
export type RevokeConsent = Static<typeof RevokeConsent>;

/** `GET /api/patients/{id}/consent-decision`: what held at a moment, and by which version. */
export const ConsentDecision = Type.Object(
  {
    purpose: ConsentPurpose,
    party: Type.Optional(Type.String()),
    at: Type.String(),
    decision: Type.Enum(['given', 'not-needed', 'denied', 'none', 'revoked', 'over', 'to-come']),
    isOpen: Type.Boolean(),
    consentId: Type.Optional(Type.String()),
    version: Type.Optional(Type.Integer()),
  },
  { $id: 'ConsentDecision' },
);
export type ConsentDecision = Static<typeof ConsentDecision>;
