import { type Static, Type } from 'typebox';

export const SignIn = Type.Object(
  { name: Type.String({ minLength: 1, maxLength: 64 }), password: Type.String({ minLength: 1, maxLength: 256 }) },
  { $id: 'SignIn', additionalProperties: false },
);
export type SignIn = Static<typeof SignIn>;

/** The first account, made through the one-time link `/setup#<code>` printed at first start. */
export const Setup = Type.Object(
  {
    code: Type.String({ minLength: 1, maxLength: 128 }),
    name: Type.String({ minLength: 1, maxLength: 64 }),
    displayName: Type.String({ minLength: 1, maxLength: 100 }),
    password: Type.String({ minLength: 12, maxLength: 256 }),
  },
  { $id: 'Setup', additionalProperties: false },
);
export type Setup = Static<typeof Setup>;

/** `POST /api/me/password`. */
export const ChangePassword = Type.Object(
  {
    current: Type.String({ minLength: 1, maxLength: 256 }),
    wanted: Type.String({ minLength: 12, maxLength: 256 }),
  },
  { $id: 'ChangePassword', additionalProperties: false },
);
export type ChangePassword = Static<typeof ChangePassword>;

export const Me = Type.Object(
  {
    name: Type.String(),
    displayName: Type.String(),
    roles: Type.Array(Type.String()),
    wards: Type.Optional(Type.Array(Type.String(), { description: 'Those given; empty: the whole house.' })),
    organisation: Type.Optional(Type.String({ description: 'Where it is not the installation’s own.' })),
    /** What this person may do, for showing or hiding; the server decides anyway. */
    actions: Type.Array(Type.String()),
    sessionExpiresAt: Type.String(),
    /** What was shown to sign in, and when a second factor was last shown. */
    factors: Type.Optional(Type.Array(Type.String())),
    secondFactorAt: Type.Optional(Type.String()),
  },
  { $id: 'Me' },
);
export type Me = Static<typeof Me>;

/** 202 to signing in: the password is right, and that is not enough. */
export const SignInStep = Type.Object(
  {
    next: Type.Enum(['second-factor', 'enrol'], {
      description: '`enrol`: the roles demand a second factor, and there is none yet.',
    }),
    methods: Type.Array(Type.Enum(['passkey', 'totp', 'recovery'])),
  },
  { $id: 'SignInStep' },
);
export type SignInStep = Static<typeof SignInStep>;

/** What a browser's WebAuthn made, as JSON (`PublicKeyCredential.toJSON()`); judged by the server's own verifier. */
const Credential = Type.Object({ id: Type.String({ minLength: 1, maxLength: 1400 }) });
const Ticket = Type.String({ minLength: 40, maxLength: 8192, description: 'As the question brought it; good once.' });
const Label = Type.String({ minLength: 1, maxLength: 64 });

const TotpAnswer = Type.Object(
  { kind: Type.Literal('totp'), code: Type.String({ pattern: '^\\d{6}$' }) },
  { additionalProperties: false },
);
const RecoveryAnswer = Type.Object(
  { kind: Type.Literal('recovery'), code: Type.String({ minLength: 16, maxLength: 40 }) },
  { additionalProperties: false },
);
const PasskeyAnswer = Type.Object(
  { kind: Type.Literal('passkey'), ticket: Ticket, response: Credential },
  { additionalProperties: false },
);

/** `POST /api/session/second-factor`. */
export const FactorAnswer = Type.Union([TotpAnswer, RecoveryAnswer, PasskeyAnswer], { $id: 'FactorAnswer' });
export type FactorAnswer = Static<typeof FactorAnswer>;

/** `POST /api/session/step-up`. */
export const StepUp = Type.Union(
  [
    TotpAnswer,
    RecoveryAnswer,
    PasskeyAnswer,
    Type.Object(
      { kind: Type.Literal('password'), password: Type.String({ minLength: 1, maxLength: 256 }) },
      { additionalProperties: false },
    ),
  ],
  { $id: 'StepUp' },
);
export type StepUp = Static<typeof StepUp>;

/** `POST /api/session/passkey`: a passkey alone. */
export const PasskeySignIn = Type.Object(
  { ticket: Ticket, response: Credential },
  { $id: 'PasskeySignIn', additionalProperties: false },
);
export type PasskeySignIn = Static<typeof PasskeySignIn>;

/** For `navigator.credentials.get` and `.create`. */
export const PasskeyQuestion = Type.Object(
  { ticket: Type.String(), options: Type.Unsafe<object>(Type.Object({})) },
  { $id: 'PasskeyQuestion' },
);
export type PasskeyQuestion = Static<typeof PasskeyQuestion>;

/** The secret of one-time passwords, before it is confirmed with a first code. */
export const TotpEnrolment = Type.Object(
  { ticket: Type.String(), secret: Type.String({ description: 'Base32, for typing.' }), uri: Type.String() },
  { $id: 'TotpEnrolment' },
);
export type TotpEnrolment = Static<typeof TotpEnrolment>;

export const NewTotp = Type.Object(
  { ticket: Ticket, code: Type.String({ pattern: '^\\d{6}$' }), label: Label },
  { $id: 'NewTotp', additionalProperties: false },
);
export type NewTotp = Static<typeof NewTotp>;

export const NewPasskey = Type.Object(
  { ticket: Ticket, response: Credential, label: Label },
  { $id: 'NewPasskey', additionalProperties: false },
);
export type NewPasskey = Static<typeof NewPasskey>;

/** `recoveryCodes` come with the first factor, are shown once, and are each good once. `me`: this signed somebody in. */
export const FactorAdded = Type.Object(
  { recoveryCodes: Type.Optional(Type.Array(Type.String())), me: Type.Optional(Me) },
  { $id: 'FactorAdded' },
);
export type FactorAdded = Static<typeof FactorAdded>;

export const RecoveryCodes = Type.Object({ recoveryCodes: Type.Array(Type.String()) }, { $id: 'RecoveryCodes' });
export type RecoveryCodes = Static<typeof RecoveryCodes>;

export const FactorList = Type.Object(
  {
    factors: Type.Array(
      Type.Object({
        id: Type.String(),
        kind: Type.Enum(['totp', 'passkey']),
        label: Type.String(),
        addedAt: Type.String(),
        usedAt: Type.Optional(Type.String()),
      }),
    ),
    recoveryCodesLeft: Type.Integer(),
    isRequired: Type.Boolean({ description: 'These roles demand a second factor.' }),
  },
  { $id: 'FactorList' },
);
export type FactorList = Static<typeof FactorList>;

/** How one can sign in here, besides by name and password. */
export const SignInWays = Type.Object(
  { outside: Type.Boolean({ description: 'Through another provider: `/api/session/outside`.' }) },
  { $id: 'SignInWays' },
);
export type SignInWays = Static<typeof SignInWays>;
