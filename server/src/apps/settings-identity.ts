import { Type } from 'typebox';
import { ROLES } from '../domain/access.ts';
import { variable } from './setting-variable.ts';

/** How people and systems prove who they are. */
export const IDENTITY_SETTINGS = {
  secondFactorRoles: Type.Array(Type.String({ pattern: `^(none|${ROLES.join('|')})$` }), {
    ...variable('HEALTHSYNC_SECOND_FACTOR_ROLES', 'roles separated by commas, or none'),
    maxItems: 20,
    default: ['admin', 'privacy-officer', 'security'],
    description:
      'Whoever has one of these roles signs in with a passkey or a one-time password besides the password, and is led through enrolling one at the first sign-in. Whoever has enrolled one is always asked for it.',
  }),
};
