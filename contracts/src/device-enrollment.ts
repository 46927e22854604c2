import { type Static, Type } from 'typebox';

/** `POST /api/device-enrollments`: a code with which one device may ask for its certificate, once. */
export const NewDeviceInvitation = Type.Object(
  {
    deviceId: Type.String({ pattern: '^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$' }),
    hours: Type.Optional(Type.Integer({ minimum: 1, maximum: 72, description: 'How long the code is good; 24.' })),
    profile: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$' })),
  },
  { $id: 'NewDeviceInvitation', additionalProperties: false },
);
export type NewDeviceInvitation = Static<typeof NewDeviceInvitation>;

/** What is told the device. The code is shown this once. */
export const DeviceInvitation = Type.Object(
  {
    id: Type.String(),
    deviceId: Type.String(),
    code: Type.String(),
    expiresAt: Type.String(),
    /** Where it asks: an EST server (RFC 7030). */
    server: Type.String(),
    /** SHA-256 of the certificate by which it knows this server, in hex with colons. */
    authorityFingerprint: Type.String(),
  },
  { $id: 'DeviceInvitation' },
);
export type DeviceInvitation = Static<typeof DeviceInvitation>;

export const ENROLLMENT_STATES = [
  'invited',
  'waiting',
  'approved',
  'issued',
  'refused',
  'withdrawn',
  'expired',
] as const;

/** One device on its way in. What it states of itself nobody has checked: the person who approves does. */
export const DeviceEnrollment = Type.Object(
  {
    id: Type.String(),
    deviceId: Type.String(),
    state: Type.Enum([...ENROLLMENT_STATES]),
    invitedBy: Type.String(),
    invitedAt: Type.String(),
    expiresAt: Type.String(),
    /** There is a device of this name, and it has certificates that count. */
    isKnown: Type.Boolean(),
    request: Type.Optional(
      Type.Object({
        at: Type.String(),
        address: Type.String(),
        /** SHA-256 of its public key, in hex with colons: the device shows the same. */
        keyFingerprint: Type.String(),
        maker: Type.Optional(Type.String()),
        model: Type.Optional(Type.String()),
        serialNumber: Type.Optional(Type.String()),
      }),
    ),
    /** Whether the reader may approve it; if not, why. */
    approval: Type.Enum(['yours', 'another-person', 'none']),
    decidedBy: Type.Optional(Type.String()),
    decidedAt: Type.Optional(Type.String()),
    reason: Type.Optional(Type.String()),
    serial: Type.Optional(Type.String()),
  },
  { $id: 'DeviceEnrollment' },
);
export type DeviceEnrollment = Static<typeof DeviceEnrollment>;

/** `GET /api/device-enrollments`: what waits first, then the newest. */
export const DeviceEnrollmentList = Type.Object(
  { enrollments: Type.Array(DeviceEnrollment) },
  { $id: 'DeviceEnrollmentList' },
);
export type DeviceEnrollmentList = Static<typeof DeviceEnrollmentList>;

/** `POST /api/device-enrollments/{id}/approve`: the fingerprint that was compared with the device's own display. */
export const ApproveEnrollment = Type.Object(
  { keyFingerprint: Type.String({ pattern: '^([0-9A-F]{2}:){31}[0-9A-F]{2}$' }) },
  { $id: 'ApproveEnrollment', additionalProperties: false },
);
export type ApproveEnrollment = Static<typeof ApproveEnrollment>;

/** `POST /api/device-enrollments/{id}/refuse`: also takes back a code that was not used. */
export const RefuseEnrollment = Type.Object(
  { reason: Type.String({ minLength: 3, maxLength: 200 }) },
  { $id: 'RefuseEnrollment', additionalProperties: false },
);
export type RefuseEnrollment = Static<typeof RefuseEnrollment>;

/** `GET /pki/certificates/{serial}`: what a revocation list says, of one certificate. */
export const CertificateStatus = Type.Object(
  {
    serial: Type.String(),
    status: Type.Enum(['good', 'revoked', 'expired', 'unknown']),
    revokedAt: Type.Optional(Type.String()),
    reason: Type.Optional(Type.String()),
    asOf: Type.String(),
  },
  { $id: 'CertificateStatus' },
);
export type CertificateStatus = Static<typeof CertificateStatus>;

/** On `devices/{id}/commands`: the device should renew its certificate now. */
export const RenewCommand = Type.Object(
  {
    command: Type.Literal('renew-certificate'),
    /** When the certificate it is connected with ends. */
    notAfter: Type.String(),
  },
  { $id: 'RenewCommand' },
);
export type RenewCommand = Static<typeof RenewCommand>;

/** On `devices/{id}/certificate`: what became of a request on `devices/{id}/certificate/request`. */
export const CertificateAnswer = Type.Union(
  [
    Type.Object({
      outcome: Type.Literal('issued'),
      /** SHA-256 of the request as sent, lower-case hex. */
      request: Type.String(),
      certificate: Type.String({ description: 'PEM.' }),
      /** PEM: by which the device knows this server. */
      authorities: Type.Array(Type.String()),
      notAfter: Type.String(),
    }),
    Type.Object({
      outcome: Type.Literal('refused'),
      request: Type.String(),
      code: Type.String(),
      detail: Type.String(),
    }),
  ],
  { $id: 'CertificateAnswer' },
);
export type CertificateAnswer = Static<typeof CertificateAnswer>;
