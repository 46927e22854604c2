import { type Static, type TSchemaOptions, Type } from 'typebox';

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
      description: 'A PostgreSQL 15 or newer to use instead of the embedded one.',
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
    description: 'Who is told of alarms by mail; needed with `HEALTHSYNC_SMTP_URL`.',
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
      ...variable('HEALTHSYNC_WEBHOOK_SECRET', 'at least 32 characters'),
      secret: true,
      minLength: 32,
      description: 'Key of the HMAC-SHA256 signature on webhooks; needed with `HEALTHSYNC_WEBHOOK_URLS`.',
    }),
  ),
});

export type SettingValues = Static<typeof SettingsSchema>;

/** What the table adds to JSON Schema. */
export interface SettingOptions {
  readonly variable: string;
  /** For a person; derived from the schema where absent. */
  readonly expected?: string;
  /** May hold a password or key: never shown, and readable from the file named by `<variable>_FILE`. */
  readonly secret?: true;
}

function variable(name: string, expected?: string): SettingOptions & TSchemaOptions {
  return expected === undefined ? { variable: name } : { variable: name, expected };
}

/** Enough to catch a slip; whether the mailbox exists only the mail server knows. */
function mailPattern(): string {
  return '^[^\\s@,<>"]+@[^\\s@,<>"]+$';
}
