import { type Static, Type } from 'typebox';

/** Why somebody may do something, or may not: `GET /api/access/why?user=&action=&patient=`. */
export const AccessWhy = Type.Object(
  {
    user: Type.Object({
      userId: Type.String(),
      name: Type.String(),
      displayName: Type.String(),
      roles: Type.Array(Type.String()),
      wardIds: Type.Array(Type.String(), { description: 'Empty: all wards.' }),
    }),
    action: Type.Object({ name: Type.String(), words: Type.String() }),
    resource: Type.Object({
      kind: Type.Enum(['house', 'ward', 'patient', 'device']),
      id: Type.Optional(Type.String()),
      wardId: Type.Optional(Type.String()),
    }),
    allowed: Type.Boolean(),
    /** In words: `Yes: a nurse …`, `No: …`. */
    summary: Type.String(),
    policies: Type.Array(
      Type.Object({
        id: Type.String(),
        effect: Type.Enum(['permit', 'forbid']),
        title: Type.String(),
        /** As it stands in the repository. */
        text: Type.String(),
      }),
      { description: 'Those that decided. None: nothing permits it, so it is refused.' },
    ),
    attributes: Type.Array(
      Type.Object({
        /** `principal.wards`, `resource.ward`, `context.purpose` */
        name: Type.String(),
        value: Type.String(),
        words: Type.String(),
      }),
      { description: 'What the policies were shown. What a session brings with it is taken as that of a fresh one.' },
    ),
    /** What would be needed instead. */
    rolesNeeded: Type.Optional(Type.Array(Type.String())),
    obligation: Type.Optional(Type.Enum(['second-factor', 'own-second-factor', 'break-glass'])),
    /** Emergency access that counted or counts now. */
    emergency: Type.Optional(Type.Object({ id: Type.String(), until: Type.String() })),
    askedAt: Type.String(),
  },
  { $id: 'AccessWhy' },
);
export type AccessWhy = Static<typeof AccessWhy>;

/** Emergency access: for one person, to one patient, for a short time. */
export const EmergencyAccess = Type.Object(
  {
    id: Type.String(),
    userId: Type.String(),
    by: Type.String({ description: 'Who opened it, as they sign.' }),
    patientId: Type.String(),
    wardId: Type.Optional(Type.String({ description: 'Where the patient lay then.' })),
    reason: Type.String(),
    proof: Type.Enum(['password', 'second-factor']),
    beganAt: Type.String(),
    until: Type.String({ description: 'When it ends, or ended, at the latest.' }),
    endedAt: Type.Optional(Type.String()),
    state: Type.Enum(['active', 'ended', 'reviewed'], { description: '`reviewed` also while it is active.' }),
    review: Type.Optional(
      Type.Object({
        justified: Type.Boolean(),
        comment: Type.String(),
        by: Type.String(),
        at: Type.String(),
      }),
    ),
  },
  { $id: 'EmergencyAccess' },
);
export type EmergencyAccess = Static<typeof EmergencyAccess>;

/**
 * `POST /api/break-glass`. The patient by id, or by the label of their bed. Who asks has
 * shown within the last five minutes that it is them, by a second factor where they have one (403 `fresh-proof-needed`
 * otherwise: `POST /api/session/step-up`).
 */
export const PostBreakGlass = Type.Object(
  {
    patientId: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
    bed: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
    ward: Type.Optional(
      Type.String({ minLength: 1, maxLength: 128, description: 'Id or name: where several wards have such a bed.' }),
    ),
    reason: Type.String({ minLength: 10, maxLength: 500, description: 'For the review.' }),
    minutes: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 240, description: 'At most the installation’s limit.' }),
    ),
  },
  { $id: 'PostBreakGlass', additionalProperties: false },
);
export type PostBreakGlass = Static<typeof PostBreakGlass>;

/** `GET /api/break-glass?state=open` (not reviewed yet, oldest first) or `state=reviewed`; `GET /api/me/break-glass`. */
export const EmergencyAccessList = Type.Object(
  { accesses: Type.Array(EmergencyAccess), next: Type.Optional(Type.String()) },
  { $id: 'EmergencyAccessList' },
);
export type EmergencyAccessList = Static<typeof EmergencyAccessList>;

/** `POST /api/break-glass/{id}/review`, by somebody else than who opened it, once. */
export const ReviewBreakGlass = Type.Object(
  { justified: Type.Boolean(), comment: Type.String({ minLength: 3, maxLength: 1_000 }) },
  { $id: 'ReviewBreakGlass', additionalProperties: false },
);
export type ReviewBreakGlass = Static<typeof ReviewBreakGlass>;

/** `GET /api/access/policies`: what stands in the repository, and what each role may do at all. */
export const AccessPolicies = Type.Object(
  {
    policies: Type.Array(
      Type.Object({
        id: Type.String(),
        file: Type.String(),
        effect: Type.Enum(['permit', 'forbid']),
        title: Type.String(),
        text: Type.String(),
      }),
    ),
    roles: Type.Array(Type.Object({ role: Type.String(), actions: Type.Array(Type.String()) })),
    actions: Type.Array(Type.Object({ name: Type.String(), words: Type.String(), isOfPatients: Type.Boolean() })),
    routes: Type.Array(
      Type.Object({
        method: Type.String(),
        path: Type.String(),
        asks: Type.String({
          description: 'An action; `public`: nobody is asked who they are; `device`: by certificate.',
        }),
      }),
    ),
  },
  { $id: 'AccessPolicies' },
);
export type AccessPolicies = Static<typeof AccessPolicies>;
