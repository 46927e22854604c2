/** The ways out of the house. Several channels of one type may be configured, each under its own name. */
export const CHANNEL_TYPES = ['smtp', 'webhook', 'web-push', 'slack', 'teams', 'pagerduty', 'sms', 'whatsapp'] as const;
export type ChannelType = (typeof CHANNEL_TYPES)[number];

/** What a message is about. Not every change of an alarm is told, and not everything told is a change of an alarm. */
export const NOTIFICATION_EVENTS = [
  'raised',
  'worsened',
  'returned',
  'ended',
  'acknowledged',
  'resolved',
  // Nobody took it in time: told to the next.
  'escalated',
  // Told to the same again.
  'reminder',
  // Several that had to wait are told as one: `7 more alarms`. Carries no alarm of its own.
  'summary',
  // The code that proves an address is somebody's. Carries no alarm.
  'verification',
  // Asked for on the settings page. Carries no alarm.
  'test',
] as const;
export type NotificationEvent = (typeof NOTIFICATION_EVENTS)[number];

/** What is true of every channel of a type, whatever its settings. */
export interface ChannelTraits {
  /** Read by a person: several messages may be told as one, and none is worth sending once somebody has the alarm. */
  readonly isForPeople: boolean;
  /** May be among a person's contacts. Absent: endpoints of the house only. */
  readonly contact?: {
    readonly addressHint: string;
    /** How an address is proved to be theirs. */
    readonly verification: 'code' | 'admin' | 'channel';
    /** Says who answered from there; messages go to endpoints of the house. */
    readonly isIdentityOnly?: true;
  };
  /** What whoever was told of an alarm is told besides, because it changes what was sent instead of adding to it. */
  readonly followUps: readonly NotificationEvent[];
  /** Without a receipt of what was sent it cannot be changed, and a word of its own would only add to the noise. */
  readonly followUpsNeedReceipt?: true;
  readonly showsPictures: boolean;
}

const TAKEN_OR_OVER = ['acknowledged', 'resolved'] as const satisfies readonly NotificationEvent[];

export const CHANNEL_TRAITS: Readonly<Record<ChannelType, ChannelTraits>> = {
  smtp: {
    isForPeople: true,
    contact: { addressHint: 'name@hospital.example', verification: 'code' },
    followUps: [],
    showsPictures: true,
  },
  // A machine wants every event, also about what somebody has taken.
  webhook: { isForPeople: false, followUps: TAKEN_OR_OVER, showsPictures: false },
  // The browser proves it: it registers under its person's session.
  'web-push': {
    isForPeople: true,
    contact: { addressHint: 'this browser', verification: 'channel' },
    followUps: TAKEN_OR_OVER,
    showsPictures: false,
  },
  slack: {
    isForPeople: true,
    contact: { addressHint: 'U012ABCDEF', verification: 'code' },
    followUps: TAKEN_OR_OVER,
    followUpsNeedReceipt: true,
    showsPictures: false,
  },
  teams: {
    isForPeople: true,
    contact: { addressHint: 'the object id of the person in Entra', verification: 'code' },
    followUps: TAKEN_OR_OVER,
    followUpsNeedReceipt: true,
    showsPictures: false,
  },
  // An incident stays open until it is told otherwise; what was never opened needs no word.
  pagerduty: {
    isForPeople: true,
    contact: { addressHint: 'PABC123', verification: 'admin', isIdentityOnly: true },
    followUps: TAKEN_OR_OVER,
    showsPictures: false,
  },
  sms: {
    isForPeople: true,
    contact: { addressHint: '+4930123456', verification: 'code' },
    followUps: [],
    showsPictures: false,
  },
  whatsapp: {
    isForPeople: true,
    contact: { addressHint: '+4930123456', verification: 'code' },
    followUps: [],
    showsPictures: false,
  },
};
