import { type Static, Type } from 'typebox';
import { AUTO_CLEAR_PATTERN } from '../domain/alarm-policy.ts';
import { variable } from './setting-variable.ts';
import { ACCESS_SETTINGS } from './settings-access.ts';
import { AUDIT_SETTINGS } from './settings-audit.ts';
import { DEVICE_SETTINGS } from './settings-devices.ts';
import { EDGE_SETTINGS } from './settings-edge.ts';
import { ESCALATION_SETTINGS } from './settings-escalation.ts';
import { IDENTITY_SETTINGS } from './settings-identity.ts';
import { KEY_SETTINGS } from './settings-keys.ts';
import { MESSAGING_SETTINGS } from './settings-messaging.ts';
import { OUTGOING_SETTINGS, WEBHOOK_SECRET_EXPECTED, WEBHOOK_SECRET_PATTERN } from './settings-outgoing.ts';
import { RETENTION_SETTINGS } from './settings-retention.ts';
import { WATCHING_SETTINGS } from './settings-watching.ts';

/**
 * Every setting, once: its variable, what it must be, its default and why. `docs/configuration.md` is generated from
 * here, and so is what an operator reads when a value is wrong.
 */
export const SettingsSchema = Type.Object({
  dataFolder: Type.String({
    ...variable('HEALTHSYNC_DATA', 'the path of a folder'),
    minLength: 1,
    default: './data',
    description:
      'Everything this installation keeps: log, database, keys. Made at first start, readable to its owner only.',
  }),
  mqttPort: Type.Integer({
    ...variable('HEALTHSYNC_MQTT_PORT'),
    minimum: 0,
    maximum: 65535,
    default: 8883,
    description: 'MQTT over mutual TLS. 0 lets the system choose.',
  }),
  httpsPort: Type.Integer({
    ...variable('HEALTHSYNC_HTTPS_PORT'),
    minimum: 0,
    maximum: 65535,
    default: 8443,
    description: 'HTTPS: web app, API, live stream, ingestion. 0 lets the system choose.',
  }),
  host: Type.Optional(
    Type.String({
      ...variable('HEALTHSYNC_HOST', 'an IP address or host name to listen on'),
      pattern: '^[A-Za-z0-9:.-]{1,255}$',
      description: 'The address to listen on; without it, every address of the machine, IPv6 and IPv4.',
    }),
  ),
  serverNames: Type.Array(Type.String({ pattern: '^[A-Za-z0-9:]([A-Za-z0-9:.-]{0,253})$' }), {
    ...variable('HEALTHSYNC_SERVER_NAMES', 'host names or IP addresses, separated by commas'),
    maxItems: 50,
    default: [],
    description:
      'Names and addresses under which devices and browsers reach this server, for its certificate; beside `localhost`, the loopback addresses and the host name.',
  }),
  demo: Type.Boolean({
    ...variable('HEALTHSYNC_DEMO'),
    default: false,
    description: 'Seeds a ward of forty simulated patients and drives it. Never with real patients.',
  }),
  secondPerson: Type.Boolean({
    ...variable('HEALTHSYNC_SECOND_PERSON'),
    default: true,
    description:
      'Loosening a critical alarm rule (a wider limit, a longer delay, switching it off) waits until a second person confirms it. Off only where one person works alone.',
  }),
  logLevel: Type.Enum(['debug', 'info', 'warn', 'error'], {
    ...variable('HEALTHSYNC_LOG_LEVEL'),
    default: 'info',
    description: 'How much is logged, as JSON lines on stderr. No level logs patient data.',
  }),
  databaseUrl: Type.Optional(
    Type.String({
      ...variable('DATABASE_URL', 'a postgresql:// address'),
      secret: true,
      pattern: '^postgres(ql)?://',
      description:
        'A PostgreSQL 15 or newer to use instead of the embedded one. Its login owns the database and has CREATEROLE, so that requests go out under logins of their own, which may do less: `docs/identity.md`.',
    }),
  ),
  httpsCertificate: Type.Optional(
    Type.String({
      ...variable('HEALTHSYNC_HTTPS_CERT', 'a certificate chain in PEM'),
      secret: true,
      pattern: '-----BEGIN CERTIFICATE-----',
      description:
        'Certificate chain for HTTPS from an authority that browsers know, with `HEALTHSYNC_HTTPS_KEY`. Without it the server uses its own authority. MQTT always uses its own.',
    }),
  ),
  httpsKey: Type.Optional(
    Type.String({
      ...variable('HEALTHSYNC_HTTPS_KEY', 'a private key in PEM'),
      secret: true,
      pattern: '-----BEGIN [A-Z ]*PRIVATE KEY-----',
      description: 'The key of `HEALTHSYNC_HTTPS_CERT`.',
    }),
  ),
  tlsMinVersion: Type.Enum(['TLSv1.3', 'TLSv1.2'], {
    ...variable('HEALTHSYNC_TLS_MIN'),
    default: 'TLSv1.3',
    description: 'Oldest TLS version accepted. TLSv1.2 only for devices that cannot do better.',
  }),
  partitions: Type.Integer({
    ...variable('HEALTHSYNC_PARTITIONS'),
    minimum: 1,
    maximum: 256,
    default: 16,
    description: 'Partitions of the reading log, by patient. Fixed once the data folder exists.',
  }),
  logRetentionHours: Type.Integer({
    ...variable('HEALTHSYNC_LOG_RETENTION_HOURS'),
    minimum: 0,
    maximum: 8760,
    default: 24,
    description: 'How long the log keeps readings that history has already stored, if `HEALTHSYNC_LOG_MAX_MB` allows.',
  }),
  eventRetentionDays: Type.Integer({
    ...variable('HEALTHSYNC_EVENT_RETENTION_DAYS'),
    minimum: 1,
    maximum: 3650,
    default: 30,
    description:
      'How long events of alarms are kept for systems that come back or read again. What an active subscription has not had yet is kept longer.',
  }),
  logMaxMegabytes: Type.Integer({
    ...variable('HEALTHSYNC_LOG_MAX_MB'),
    minimum: 64,
    maximum: 16_777_216,
    default: 8192,
    description:
      'Most disk the log may take. What is not yet in history is never dropped: at this bound devices are told to hold their readings.',
  }),
  diskReserveMegabytes: Type.Integer({
    ...variable('HEALTHSYNC_DISK_RESERVE_MB'),
    minimum: 0,
    maximum: 16_777_216,
    default: 512,
    description: 'Free disk below which no more readings are taken, so that the database can still work.',
  }),
  mqttSessionsMax: Type.Integer({
    ...variable('HEALTHSYNC_MQTT_SESSIONS_MAX'),
    minimum: 1,
    maximum: 1_000_000,
    default: 20_000,
    description:
      'Most open MQTT connections: twice the ten thousand devices this is measured with. Each costs up to 80 KiB.',
  }),
  deviceReadingsPerSecondMax: Type.Integer({
    ...variable('HEALTHSYNC_DEVICE_RATE_MAX'),
    minimum: 1,
    maximum: 10_000,
    default: 50,
    description:
      'Most readings per second of one device, with short bursts above: vitals come at 1/s, a buffer emptied after an outage faster.',
  }),
  clockAheadMaxSeconds: Type.Integer({
    ...variable('HEALTHSYNC_CLOCK_AHEAD_SECONDS'),
    minimum: 0,
    maximum: 3600,
    default: 60,
    description: 'How far a device clock may run ahead before its readings are rejected.',
  }),
  profilesFolder: Type.Optional(
    Type.String({
      ...variable('HEALTHSYNC_PROFILES', 'the path of a folder'),
      minLength: 1,
      description: 'Folder of mapping profiles (`*.json`) for vendors’ own payloads, beside the built-in ones.',
    }),
  ),
  datasetsFolder: Type.Optional(
    Type.String({
      ...variable('HEALTHSYNC_DATASETS', 'the path of a folder'),
      minLength: 1,
      description:
        'Folder of recorded patients to try alarm rules on: each folder in it is one data set of PhysioNet records (`.psv`, `.txt`).',
    }),
  ),
  sessionIdleMinutes: Type.Integer({
    ...variable('HEALTHSYNC_SESSION_IDLE_MINUTES'),
    minimum: 1,
    maximum: 1440,
    default: 30,
    description:
      'A session without requests and without an open live stream ends after this (45 CFR 164.312(a)(2)(iii)).',
  }),
  sessionMaxHours: Type.Integer({
    ...variable('HEALTHSYNC_SESSION_MAX_HOURS'),
    minimum: 1,
    maximum: 168,
    default: 12,
    description: 'A session ends after this whatever happens: one long shift.',
  }),
  kioskSessionMaxDays: Type.Integer({
    ...variable('HEALTHSYNC_KIOSK_SESSION_DAYS'),
    minimum: 1,
    maximum: 366,
    default: 30,
    description: 'The same for a wall that only has the role `kiosk`; its idle limit is 12 hours.',
  }),
  alarmAcknowledgementMinutes: Type.Array(minutes(1440), {
    ...variable('HEALTHSYNC_ALARM_ACK_MINUTES', 'three numbers of minutes, 0 to 1440, separated by commas'),
    minItems: 3,
    maxItems: 3,
    default: ['10', '30', '120'],
    description:
      'How long an acknowledgement of a high, a medium and a low alarm holds while the condition goes on; then the alarm is unacknowledged again. 0: until the condition ends.',
  }),
  alarmNews2AcknowledgementMinutes: Type.Array(minutes(1440), {
    ...variable('HEALTHSYNC_ALARM_NEWS2_ACK_MINUTES', 'three numbers of minutes, 0 to 1440, separated by commas'),
    minItems: 3,
    maxItems: 3,
    default: ['480', '720', '720'],
    description:
      'The same for an alarm about NEWS2, whose score stays high for long; a high one calls anew as soon as the score rises beyond its worst.',
  }),
  alarmRemindMinutes: Type.Array(minutes(1440), {
    ...variable('HEALTHSYNC_ALARM_REMIND_MINUTES', 'three numbers of minutes, 0 to 1440, separated by commas'),
    minItems: 3,
    maxItems: 3,
    default: ['2', '5', '30'],
    description:
      'How often a high, a medium and a low alarm is reminded of while it is present and nobody has acknowledged it. 0: never.',
  }),
  alarmRemindersMax: Type.Integer({
    ...variable('HEALTHSYNC_ALARM_REMINDERS_MAX'),
    minimum: 0,
    maximum: 100,
    default: 5,
    description: 'Reminders until somebody acknowledges or the alarm calls anew.',
  }),
  alarmSnoozeMinutes: Type.Array(minutes(60), {
    ...variable('HEALTHSYNC_ALARM_SNOOZE_MINUTES', 'up to six numbers of minutes, at most 60, separated by commas'),
    minItems: 1,
    maxItems: 6,
    default: ['5', '15', '30'],
    description: 'For how long an alarm may be snoozed. It always ends by itself.',
  }),
  alarmSnoozeHighMaxMinutes: Type.Integer({
    ...variable('HEALTHSYNC_ALARM_SNOOZE_HIGH_MAX_MINUTES'),
    minimum: 0,
    maximum: 60,
    default: 5,
    description:
      'The longest of these for a high alarm; 0: none. A high technical alarm can never be snoozed: nothing else would tell.',
  }),
  alarmAutoClear: Type.Array(Type.String({ pattern: `^none$|${AUTO_CLEAR_PATTERN}` }), {
    ...variable(
      'HEALTHSYNC_ALARM_AUTO_CLEAR',
      'rules such as technical/low=60 or technical.battery=300 (seconds), separated by commas, or none',
    ),
    maxItems: 50,
    default: ['technical/low=60'],
    description:
      'Alarms that are closed without an acknowledgement once their condition has been over for so long, by kind and highest priority or by rule.',
  }),
  smtpUrl: Type.Optional(
    Type.String({
      ...variable('HEALTHSYNC_SMTP_URL', 'an address such as smtps://user:password@mail.example:465'),
      secret: true,
      pattern: '^smtps?://.',
      description: 'Mail server for notifications; `smtp://` must offer STARTTLS.',
    }),
  ),
  smtpFrom: Type.Optional(
    Type.String({
      ...variable('HEALTHSYNC_SMTP_FROM', 'a mail address'),
      pattern: mailPattern(),
      description: 'Sender of notification mails; needed with `HEALTHSYNC_SMTP_URL`.',
    }),
  ),
  notifyEmails: Type.Array(Type.String({ pattern: mailPattern() }), {
    ...variable('HEALTHSYNC_NOTIFY_EMAIL', 'mail addresses, separated by commas'),
    maxItems: 100,
    default: [],
    description:
      'Shared mailboxes that are told of high and medium alarms, lost data and trouble of the installation; with `HEALTHSYNC_SMTP_URL`. People add their own addresses in the app.',
  }),
  webhookUrls: Type.Array(Type.String({ pattern: '^https://[^\\s]+$' }), {
    ...variable('HEALTHSYNC_WEBHOOK_URLS', 'https:// addresses, separated by commas'),
    secret: true,
    maxItems: 20,
    default: [],
    description: 'Where alarms are posted, signed with `HEALTHSYNC_WEBHOOK_SECRET`.',
  }),
  webhookSecret: Type.Optional(
    Type.String({
      ...variable('HEALTHSYNC_WEBHOOK_SECRET', WEBHOOK_SECRET_EXPECTED),
      secret: true,
      minLength: 32,
      pattern: WEBHOOK_SECRET_PATTERN,
      description:
        'Key of the signature on webhooks, which follows Standard Webhooks (`examples/webhook-receiver`); needed with `HEALTHSYNC_WEBHOOK_URLS`.',
    }),
  ),
  ...ACCESS_SETTINGS,
  ...EDGE_SETTINGS,
  ...DEVICE_SETTINGS,
  ...IDENTITY_SETTINGS,
  ...KEY_SETTINGS,
  ...RETENTION_SETTINGS,
  ...WATCHING_SETTINGS,
  ...ESCALATION_SETTINGS,
  ...OUTGOING_SETTINGS,
  ...MESSAGING_SETTINGS,
  ...AUDIT_SETTINGS,
});

export type SettingValues = Static<typeof SettingsSchema>;

/** `5` or `0.5`, up to `max`. */
function minutes(max: 60 | 1440) {
  const whole = max === 60 ? '[1-5]?\\d' : '(1[0-3]\\d\\d|14[0-3]\\d|[1-9]?\\d?\\d)';
  return Type.String({ pattern: `^(${whole}(\\.\\d{1,3})?|${max})$` });
}

/** Enough to catch a slip; whether the mailbox exists only the mail server knows. */
function mailPattern(): string {
  return '^[^\\s@,<>"]+@[^\\s@,<>"]+$';
}
