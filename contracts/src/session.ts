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

export const Me = Type.Object(
  {
    name: Type.String(),
    displayName: Type.String(),
    roles: Type.Array(Type.String()),
    /** What this person may do, for showing or hiding; the server decides anyway. */
    actions: Type.Array(Type.String()),
    sessionExpiresAt: Type.String(),
  },
  { $id: 'Me' },
);
export type Me = Static<typeof Me>;
