import { type Static, Type } from 'typebox';

/** `GET /api/keys`: of the keys that names, notes and secrets are sealed with; never one itself. */
export const KeyStatus = Type.Object(
  {
    management: Type.Enum(['file', 'aws-kms'], { description: 'Where the key-encryption key lies.' }),
    kek: Type.String({ description: 'Which key-encryption key wraps what is new. Others may still wrap older ones.' }),
    kept: Type.Integer({
      description: 'Data keys: one for each patient, the house’s own, and one a day for the log of readings.',
    }),
    erased: Type.Integer({ description: 'Data keys that were destroyed: what they sealed is gone, in backups too.' }),
  },
  { $id: 'KeyStatus' },
);
export type KeyStatus = Static<typeof KeyStatus>;
