import { Type } from 'typebox';
import { variable } from './setting-variable.ts';

/** Who holds the keys that everything sealed is opened with. */
export const KEY_SETTINGS = {
  keyManagement: Type.Enum(['file', 'aws-kms'], {
    ...variable('HEALTHSYNC_KEY_MANAGEMENT'),
    default: 'file',
    description:
      'Who holds the key-encryption keys: `file`, in `keys/` of the data folder, or `aws-kms`, with the credentials and region that the AWS SDK finds (`AWS_REGION`, a role, …). What one wrapped the other cannot open: decide before the first patient.',
  }),
  keyFolder: Type.Optional(
    Type.String({
      ...variable('HEALTHSYNC_KEY_FOLDER', 'the path of a folder'),
      minLength: 1,
      description:
        'Where the key-encryption keys lie with `HEALTHSYNC_KEY_MANAGEMENT=file`, instead of `keys/` in the data folder: a folder that several servers share, or one on another disk.',
    }),
  ),
  keyStore: Type.Enum(['file', 'database'], {
    ...variable('HEALTHSYNC_KEY_STORE'),
    default: 'file',
    description:
      'Where wrapped data keys lie, and what signs and signs in: `file`, in the data folder of the one server, or `database`, for several servers on one `DATABASE_URL`. Those of a data folder are taken along at the first start with `database`.',
  }),
  keyStoreUrl: Type.Optional(
    Type.String({
      ...variable('HEALTHSYNC_KEY_STORE_URL', 'postgresql://user:password@host/name'),
      secret: true,
      pattern: '^postgres(ql)?://',
      description:
        'With `HEALTHSYNC_KEY_STORE=database`: another PostgreSQL database for the keys than `DATABASE_URL`, so that no backup of the data holds a key and an erasure reaches them all.',
    }),
  ),
  region: Type.String({
    ...variable('HEALTHSYNC_REGION', 'letters, digits and -, at most 32'),
    pattern: '^[a-z0-9][a-z0-9-]{0,31}$',
    default: 'local',
    description:
      'Where this installation’s data lies. Keys are bound to it: what was sealed in one region opens in no other.',
  }),
};
