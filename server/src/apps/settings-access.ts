import { Type } from 'typebox';
import { variable } from './setting-variable.ts';

/** Who may what, beyond what the policies say. */
export const ACCESS_SETTINGS = {
  emergencyAccessMaxMinutes: Type.Integer({
    ...variable('HEALTHSYNC_EMERGENCY_ACCESS_MINUTES'),
    minimum: 1,
    maximum: 240,
    default: 60,
    description: 'For how long at most a record opened in an emergency stays open; who needs longer opens it again.',
  }),
};
