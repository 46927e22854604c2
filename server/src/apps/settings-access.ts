import { Type } from 'typebox';
import { variable } from './setting-variable.ts';

/** Who may what, beyond what the policies say. */
export const ACCESS_SETTINGS = {
  treatmentConsent: Type.Enum(['not-needed', 'needed'], {
    ...variable('HEALTHSYNC_TREATMENT_CONSENT'),
    default: 'not-needed',
    description:
      'Whether treating a patient rests on their consent here. `not-needed` where the law lets care be given without (GDPR Art. 9(2)(h), HIPAA 45 CFR 164.506(c)). `needed`: without it, name and values stay closed but for an emergency; alarms ring and are told in any case. Research and sharing always need consent.',
  }),
  emergencyAccessMaxMinutes: Type.Integer({
    ...variable('HEALTHSYNC_EMERGENCY_ACCESS_MINUTES'),
    minimum: 1,
    maximum: 240,
    default: 60,
    description: 'For how long at most a record opened in an emergency stays open; who needs longer opens it again.',
  }),
};
