import { type Static, Type } from 'typebox';

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
  },
  { $id: 'ProblemDetails' },
);
export type ProblemDetails = Static<typeof ProblemDetails>;
