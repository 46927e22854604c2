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
