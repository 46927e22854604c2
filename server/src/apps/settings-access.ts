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
  policiesFolder: Type.Optional(
    Type.String({
      ...variable('HEALTHSYNC_POLICIES', 'the path of a folder'),
      minLength: 1,
      description:
        'Folder of a house’s own access policies (`*.cedar`), beside the program’s: `docs/policies.md`. Read at the start; with one that does not hold together nothing starts. `healthsync policies check` says so before.',
    }),
  ),
  emergencyProof: Type.Enum(['second-factor', 'password'], {
    ...variable('HEALTHSYNC_EMERGENCY_PROOF'),
    default: 'second-factor',
    description:
      'What somebody shows, within five minutes, to open a record in an emergency. `second-factor`: theirs; who has none is led through adding one, which takes a minute. `password`: lets whoever has none in by their password, where a house would rather be wrong about who it was than late.',
  }),
  emergencyAccessMaxMinutes: Type.Integer({
    ...variable('HEALTHSYNC_EMERGENCY_ACCESS_MINUTES'),
    minimum: 1,
    maximum: 240,
    default: 60,
    description: 'For how long at most a record opened in an emergency stays open; who needs longer opens it again.',
  }),
};
