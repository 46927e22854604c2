import { Type } from 'typebox';
import type { DirectorySync } from '../../identity/directory-sync.ts';
import type { UserDirectory } from '../../ports/user-directory.ts';
import { Wanted } from './scim-attributes.ts';

export interface ScimServices {
  readonly directory: UserDirectory;
  readonly sync: DirectorySync;
  /** `https://…/scim/v2`. */
  readonly base: () => string;
  readonly newGroupId: () => string;
  readonly now: () => number;
}

/** Where pages begin, how large they are, and what is looked for. */
export const ListQuery = Type.Object({
  startIndex: Type.Optional(Type.Integer({ minimum: -10_000_000, maximum: 10_000_000 })),
  count: Type.Optional(Type.Integer({ minimum: -10_000_000, maximum: 10_000_000 })),
  filter: Type.Optional(Type.String({ maxLength: 400 })),
  ...Wanted.properties,
});
export const ScimId = Type.Object({ id: Type.String({ maxLength: 64 }) });

export const Patch = Type.Object({
  schemas: Type.Optional(Type.Array(Type.String({ maxLength: 200 }), { maxItems: 10 })),
  Operations: Type.Array(
    Type.Object({
      op: Type.String({ maxLength: 10 }),
      path: Type.Optional(Type.String({ maxLength: 300 })),
      value: Type.Optional(Type.Unknown()),
    }),
    { minItems: 1, maxItems: 100 },
  ),
});
