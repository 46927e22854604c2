import { Type } from 'typebox';
import { variable } from './setting-variable.ts';

/** How devices come in, and how long what they come with counts. */
export const DEVICE_SETTINGS = {
  deviceCertificateHours: Type.Integer({
    ...variable('HEALTHSYNC_DEVICE_CERTIFICATE_HOURS'),
    minimum: 1,
    maximum: 8760,
    default: 2160,
    description:
      'How long a device’s certificate is valid: 90 days. Devices renew with a third of it left. Shorter serves a thief for less long; every renewal is a change of the registry, so below a day only for some hundred devices.',
  }),
  deviceOverlapMinutes: Type.Integer({
    ...variable('HEALTHSYNC_DEVICE_OVERLAP_MINUTES'),
    minimum: 0,
    maximum: 10_080,
    default: 60,
    description:
      'How long a certificate counts after the one that replaces it was first used; then it is revoked as superseded. Before that first use it counts to its own end: a device that lost the answer is not locked out.',
  }),
  deviceApproval: Type.Enum(['person', 'second-person', 'none'], {
    ...variable('HEALTHSYNC_DEVICE_APPROVAL'),
    default: 'person',
    description:
      'Who lets a device in that came with a code: a person who compares the fingerprint, another person than who made the code, or nobody: then the code alone lets in whoever comes with it first.',
  }),
};
