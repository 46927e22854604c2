import { type Static, Type } from 'typebox';

/** `GET /api/push/key`: what a browser passes to `pushManager.subscribe` as `applicationServerKey`. */
export const PushKey = Type.Object(
  { publicKey: Type.String({ description: 'Uncompressed P-256 point, base64url (RFC 8292 §3.2).' }) },
  { $id: 'PushKey' },
);
export type PushKey = Static<typeof PushKey>;

/** `POST /api/push/subscriptions`: the signed-in person's browser, as `PushSubscription.toJSON()` gives it. */
export const NewPushSubscription = Type.Object(
  {
    endpoint: Type.String({ pattern: '^https://[^\\s]+$', maxLength: 2048 }),
    /** Browsers send it along, mostly as null; an end we cannot act on is of no use. */
    expirationTime: Type.Optional(Type.Union([Type.Number(), Type.Null()])),
    keys: Type.Object(
      {
        // 65 and 16 octets (RFC 8291 §3.1, §3.2) in base64url without padding.
        p256dh: Type.String({ pattern: '^[A-Za-z0-9_-]{87}$' }),
        auth: Type.String({ pattern: '^[A-Za-z0-9_-]{22}$' }),
      },
      { additionalProperties: false },
    ),
  },
  { $id: 'NewPushSubscription', additionalProperties: false },
);
export type NewPushSubscription = Static<typeof NewPushSubscription>;

/** `DELETE /api/push/subscriptions`: only one of one's own. */
export const RemovePushSubscription = Type.Object(
  { endpoint: Type.String({ pattern: '^https://[^\\s]+$', maxLength: 2048 }) },
  { $id: 'RemovePushSubscription', additionalProperties: false },
);
export type RemovePushSubscription = Static<typeof RemovePushSubscription>;

/** The signed-in person's browsers; the address itself, which is a secret of the browser, stays with us. */
export const PushSubscriptionList = Type.Object(
  {
    subscriptions: Type.Array(
      Type.Object({
        id: Type.String(),
        /** The push service, such as `fcm.googleapis.com`. */
        service: Type.String(),
        createdAt: Type.String(),
      }),
    ),
  },
  { $id: 'PushSubscriptionList' },
);
export type PushSubscriptionList = Static<typeof PushSubscriptionList>;

/**
 * What the service worker gets in its `push` event, as JSON. Show it with `tag`, so that what follows about the same
 * alarm takes the place of what was there; `renotify` where `isUpdate` is false. An acknowledgement by the notification's
 * button is `POST /api/alerts/{alarmId}/acknowledge` with the browser's own session; 401 opens `path` instead.
 */
export const PushMessage = Type.Object(
  {
    /** The same for every attempt of one delivery: a second copy of what was shown is not shown again. */
    delivery: Type.String(),
    title: Type.String(),
    body: Type.String(),
    /** Groups everything about one alarm. */
    tag: Type.String(),
    event: Type.String({ description: 'raised, worsened, returned, ended, acknowledged, resolved, escalated, …' }),
    /** It is over or taken: replace quietly, do not ring. */
    isUpdate: Type.Boolean(),
    priority: Type.Optional(Type.Enum(['high', 'medium', 'low'])),
    alarmId: Type.Optional(Type.String()),
    /** Whether to offer the button. */
    canAcknowledge: Type.Boolean(),
    /** Where a click leads, within our own pages. */
    path: Type.String({ pattern: '^/' }),
  },
  { $id: 'PushMessage', additionalProperties: false },
);
export type PushMessage = Static<typeof PushMessage>;

/**
 * `POST /api/push/receipts`: the service worker says that a message has reached its browser, or that it was opened. With
 * the browser's session; without one (401) nothing is lost but the receipt.
 */
export const PushReceipt = Type.Object(
  { delivery: Type.String({ minLength: 1, maxLength: 500 }), state: Type.Enum(['delivered', 'read']) },
  { $id: 'PushReceipt', additionalProperties: false },
);
export type PushReceipt = Static<typeof PushReceipt>;
