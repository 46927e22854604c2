import { type Static, Type } from 'typebox';

/**
 * What two people may change has a version, also sent as `ETag`: 0, where nothing was ever set. A PUT that replaces
 * something says which version it was made from, in its body or as `If-Match`; 428 where it does not say, 412 where
 * somebody else was quicker, naming them.
 */
export const Version = Type.Integer({ minimum: 0, maximum: 999_999_999, description: '0: never set.' });
/** In the body of a PUT. */
export const FromVersion = Type.Optional(
  Type.Integer({ minimum: 0, maximum: 999_999_999, description: 'The version that was read. Or `If-Match`.' }),
);

/** RFC 9457, with a stable `code` for programs and, where input was at fault, every error with its field. */
export const ProblemDetails = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    code: Type.String(),
    detail: Type.Optional(Type.String()),
    errors: Type.Optional(
      Type.Array(Type.Object({ code: Type.String(), field: Type.String(), detail: Type.String() })),
    ),
    /** With 403: any one of these roles would do. */
    rolesNeeded: Type.Optional(Type.Array(Type.String())),
    /** With 412: what it is now, and whose it is. */
    changed: Type.Optional(
      Type.Object({ version: Type.Integer(), by: Type.Optional(Type.String()), at: Type.Optional(Type.String()) }),
    ),
  },
  { $id: 'ProblemDetails' },
);
export type ProblemDetails = Static<typeof ProblemDetails>;
