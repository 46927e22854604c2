import { type Static, Type } from 'typebox';

/** The ways out of the house: what each may say, how it fares, how fast it may go. Never a secret. */

export const MessageLevel = Type.Enum(['minimal', 'standard', 'detailed', 'rich'], {
  description:
    '`minimal`: bed and priority. `standard`: also what kind, such as “heart rate high”. `detailed`: also value and limit. `rich`: also the name and, by mail, a trend chart; only on a channel marked confidential.',
});
export type MessageLevel = Static<typeof MessageLevel>;

/** A bucket of `burst` messages that refills at `perMinute`. */
const RateLimit = Type.Object(
  {
    burst: Type.Integer({ minimum: 1, maximum: 10_000 }),
    perMinute: Type.Number({ minimum: 0.1, maximum: 60_000 }),
  },
  { additionalProperties: false },
);

const PolicyFields = {
  level: MessageLevel,
  confidential: Type.Boolean({ description: 'The way to the reader is protected end to end: names may be said.' }),
  answers: Type.Boolean({ description: 'Messages carry what is needed to acknowledge from there.' }),
  summarises: Type.Boolean({
    description:
      'Several that had to wait for one recipient are told as one: “7 more alarms”. For people, not machines.',
  }),
  limits: Type.Object({ channel: RateLimit, recipient: RateLimit }, { additionalProperties: false }),
};

export const ChannelPolicy = Type.Object(
  {
    ...PolicyFields,
    version: Type.Integer({ description: '0: as installed.' }),
    setBy: Type.Optional(Type.String()),
    setAt: Type.Optional(Type.String()),
    reason: Type.Optional(Type.String()),
  },
  { $id: 'ChannelPolicy' },
);
export type ChannelPolicy = Static<typeof ChannelPolicy>;

/** `PUT /api/channels/{name}/policy`. Refused with `changed-meanwhile` unless `version` is the one in force. */
export const PutChannelPolicy = Type.Object(
  { ...PolicyFields, version: Type.Integer({ minimum: 0 }), reason: Type.String({ minLength: 3, maxLength: 500 }) },
  { $id: 'PutChannelPolicy', additionalProperties: false },
);
export type PutChannelPolicy = Static<typeof PutChannelPolicy>;

/** `GET /api/channels/{name}/policy/history`, newest first. */
export const ChannelPolicyHistory = Type.Object(
  { versions: Type.Array(ChannelPolicy) },
  { $id: 'ChannelPolicyHistory' },
);
export type ChannelPolicyHistory = Static<typeof ChannelPolicyHistory>;

export const Channel = Type.Object(
  {
    name: Type.String(),
    type: Type.Enum(['smtp', 'webhook', 'web-push', 'slack', 'teams', 'pagerduty', 'sms', 'whatsapp']),
    policy: ChannelPolicy,
    health: Type.Object({
      state: Type.Enum(['unused', 'up', 'failing'], { description: '`unused`: nothing was sent yet.' }),
      failedInARow: Type.Integer(),
      waiting: Type.Integer({ description: 'Deliveries under way or to be tried again.' }),
      oldestWaitingAt: Type.Optional(Type.String()),
      lastDeliveredAt: Type.Optional(Type.String()),
      lastFailedAt: Type.Optional(Type.String()),
      lastFailure: Type.Optional(Type.String({ description: 'A code, such as `SMTP 451`; no words, no address.' })),
    }),
    /** Recipients that are the house's, by the names a test can be sent to. */
    endpoints: Type.Array(Type.String()),
    /** Whether `rich` can show more than text here. */
    showsPictures: Type.Boolean(),
    /** Whether people may add it to their contacts. */
    reachesPeople: Type.Boolean(),
  },
  { $id: 'Channel' },
);
export type Channel = Static<typeof Channel>;

/** `GET /api/channels`. */
export const ChannelList = Type.Object({ channels: Type.Array(Channel) }, { $id: 'ChannelList' });
export type ChannelList = Static<typeof ChannelList>;

/** `GET /api/channels/samples`: the same invented alarm in the words of each level. */
export const MessageSamples = Type.Object(
  {
    samples: Type.Array(Type.Object({ level: MessageLevel, subject: Type.String(), text: Type.String() })),
  },
  { $id: 'MessageSamples' },
);
export type MessageSamples = Static<typeof MessageSamples>;

/** `POST /api/channels/{name}/test`: to one's own verified contact, or, for operators, to a named endpoint. */
export const PostChannelTest = Type.Object(
  { endpoint: Type.Optional(Type.String({ minLength: 1, maxLength: 254 })) },
  { $id: 'PostChannelTest', additionalProperties: false },
);
export type PostChannelTest = Static<typeof PostChannelTest>;

export const ChannelTestResult = Type.Object(
  {
    outcome: Type.Enum(['delivered', 'transient', 'permanent'], {
      description: '`transient`: not now, an alarm would be tried again; `permanent`: it would not.',
    }),
    receipt: Type.Optional(Type.String()),
    reason: Type.Optional(Type.String()),
    tookMs: Type.Integer(),
  },
  { $id: 'ChannelTestResult' },
);
export type ChannelTestResult = Static<typeof ChannelTestResult>;
