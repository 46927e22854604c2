import { Type } from 'typebox';
import { variable } from './setting-variable.ts';
import { WEBHOOK_SECRET_EXPECTED, WEBHOOK_SECRET_PATTERN } from './settings-outgoing.ts';

/** How long the audit log is kept, who else keeps what was signed about it, and who follows it. */
export const AUDIT_SETTINGS = {
  auditRetentionDays: Type.Integer({
    ...variable('HEALTHSYNC_AUDIT_RETENTION_DAYS'),
    minimum: 1,
    maximum: 36_500,
    default: 2557,
    description:
      'How long entries of the audit log are kept: seven years by default (45 CFR 164.316(b)(2)(i) asks for six). Their hashes stay, so that the rest remains provable; what is under a legal hold stays as a whole.',
  }),
  auditAnchorMinutes: Type.Integer({
    ...variable('HEALTHSYNC_AUDIT_ANCHOR_MINUTES'),
    minimum: 1,
    maximum: 1440,
    default: 60,
    description:
      'How often the newest signed tree head is brought outside the database. Whoever holds database and key together can change unseen only what was written since.',
  }),
  auditAnchorFolder: Type.Optional(
    Type.String({
      ...variable('HEALTHSYNC_AUDIT_ANCHOR_FOLDER', 'the path of a folder'),
      minLength: 1,
      description:
        'Where tree heads are kept besides the data folder: best a share on which nothing can be changed (WORM, object lock).',
    }),
  ),
  auditAnchorS3: Type.Optional(
    Type.String({
      ...variable('HEALTHSYNC_AUDIT_S3', 'bucket or bucket/folder'),
      pattern: '^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9._-]+)*$',
      description:
        'An S3 bucket that was made with Object Lock, where tree heads are kept in compliance mode: nobody can take one away before its time is over. Credentials, region and address are found as AWS clients find them (`AWS_REGION`, `AWS_ENDPOINT_URL_S3`, …).',
    }),
  ),
  auditAnchorS3Days: Type.Integer({
    ...variable('HEALTHSYNC_AUDIT_S3_DAYS'),
    minimum: 1,
    maximum: 36_500,
    default: 2557,
    description:
      'How long S3 keeps each tree head whatever happens: seven years by default, and it cannot be shortened afterwards.',
  }),
  auditVerifyHours: Type.Integer({
    ...variable('HEALTHSYNC_AUDIT_VERIFY_HOURS'),
    minimum: 1,
    maximum: 744,
    default: 24,
    description:
      'How often the whole audit log is verified; what is new is verified every hour. What is found not to be as it was signed is an alarm of the installation.',
  }),
  auditWitnessUrl: Type.Optional(
    Type.String({
      ...variable('HEALTHSYNC_AUDIT_WITNESS_URL', 'an https:// address'),
      pattern: '^https://[^\\s]+$',
      description: 'A second party that tree heads are posted to, signed with `HEALTHSYNC_AUDIT_WITNESS_SECRET`.',
    }),
  ),
  auditWitnessSecret: Type.Optional(
    Type.String({
      ...variable('HEALTHSYNC_AUDIT_WITNESS_SECRET', WEBHOOK_SECRET_EXPECTED),
      secret: true,
      minLength: 32,
      pattern: WEBHOOK_SECRET_PATTERN,
      description:
        'Key of that signature, which follows Standard Webhooks; needed with `HEALTHSYNC_AUDIT_WITNESS_URL`.',
    }),
  ),
  siemSyslog: Type.Optional(
    Type.String({
      ...variable('HEALTHSYNC_SIEM_SYSLOG', 'host:port'),
      pattern: '^(\\[[0-9A-Fa-f:]+\\]|[A-Za-z0-9.-]{1,253}):\\d{1,5}$',
      description:
        'Where the audit log is sent as syslog (RFC 5424) over TLS (RFC 5425, usually port 6514), every entry at least once.',
    }),
  ),
  siemJson: Type.Optional(
    Type.String({
      ...variable('HEALTHSYNC_SIEM_JSON', 'host:port'),
      pattern: '^(\\[[0-9A-Fa-f:]+\\]|[A-Za-z0-9.-]{1,253}):\\d{1,5}$',
      description: 'Where the audit log is sent as lines of JSON over TLS, every entry at least once.',
    }),
  ),
  siemCa: Type.Optional(
    Type.String({
      ...variable('HEALTHSYNC_SIEM_CA', 'certificates in PEM'),
      secret: true,
      pattern: '-----BEGIN CERTIFICATE-----',
      description: 'Who may vouch for the receivers of `HEALTHSYNC_SIEM_…`; the public authorities without it.',
    }),
  ),
};
