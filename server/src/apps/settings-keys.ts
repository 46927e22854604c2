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
  region: Type.String({
    ...variable('HEALTHSYNC_REGION', 'letters, digits and -, at most 32'),
    pattern: '^[a-z0-9][a-z0-9-]{0,31}$',
    default: 'local',
    description:
      'Where this installation’s data lies. Keys are bound to it: what was sealed in one region opens in no other.',
  }),
};
