import { type Static, Type } from 'typebox';

/** Why a certificate is revoked, of RFC 5280 §5.3.1 what can be said of a device. */
export const REVOCATION_CODES = [
  'unspecified',
  'keyCompromise',
  'cACompromise',
  'superseded',
  'cessationOfOperation',
] as const;

/** `GET /api/devices`. */
export const DeviceList = Type.Object(
  {
    devices: Type.Array(
      Type.Object({
        id: Type.String(),
        profile: Type.Optional(Type.String()),
        patientId: Type.Optional(Type.String()),
        presence: Type.Enum(['online', 'offline', 'unknown']),
        certificates: Type.Array(
          Type.Object({
            serial: Type.String(),
            notBefore: Type.Optional(Type.String()),
            notAfter: Type.String(),
            revokedAt: Type.Optional(Type.String()),
            revocationCode: Type.Optional(Type.String({ description: 'Of RFC 5280 §5.3.1, such as keyCompromise.' })),
            /** It was replaced over the air, and counts until then. */
            supersededFrom: Type.Optional(Type.String()),
          }),
        ),
      }),
    ),
  },
  { $id: 'DeviceList' },
);
export type DeviceList = Static<typeof DeviceList>;

/** `GET /api/rejected-readings`: newest first. */
export const RejectedList = Type.Object(
  {
    rejected: Type.Array(
      Type.Object({
        id: Type.String(),
        deviceId: Type.String(),
        receivedAt: Type.String(),
        source: Type.Enum(['mqtt', 'https']),
        payload: Type.String({ description: 'As received, as text; bytes that are not UTF-8 show as U+FFFD.' }),
        errors: Type.Array(Type.Object({ code: Type.String(), field: Type.String(), detail: Type.String() })),
        state: Type.Enum(['open', 'replayed', 'dismissed']),
      }),
    ),
  },
  { $id: 'RejectedList' },
);
export type RejectedList = Static<typeof RejectedList>;

/** `POST /api/devices/{id}/commands`: sent now, or kept for when the device comes back. */
export const CommandResult = Type.Object({ outcome: Type.Enum(['sent', 'queued']) }, { $id: 'CommandResult' });
export type CommandResult = Static<typeof CommandResult>;

/** `POST /api/devices/{id}/revoke`: one certificate, or without `serial` all of the device and its tokens. For good. */
export const RevokeDevice = Type.Object(
  {
    serial: Type.Optional(Type.String({ pattern: '^[0-9A-F]{1,64}$' })),
    reason: Type.String({ minLength: 3, maxLength: 200 }),
    code: Type.Optional(Type.Enum([...REVOCATION_CODES])),
    since: Type.Optional(
      Type.String({
        maxLength: 40,
        description:
          'RFC 3339: since when the key may be somebody else’s. What was received from the device since then is shown as doubtful.',
      }),
    ),
  },
  { $id: 'RevokeDevice', additionalProperties: false },
);
export type RevokeDevice = Static<typeof RevokeDevice>;

/** How many certificates and tokens counted until now; and whether what it sent is shown as doubtful from now on. */
export const Revoked = Type.Object(
  { revoked: Type.Integer(), doubtfulFrom: Type.Optional(Type.String()) },
  { $id: 'Revoked' },
);
export type Revoked = Static<typeof Revoked>;
