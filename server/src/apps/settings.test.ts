import { describe, expect, it } from 'vitest';
import { configurationPage, readSettings } from './settings.ts';

const noFile = (): never => {
  throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
};
const read = (environment: Record<string, string>, readFile: (path: string) => string = noFile) =>
  readSettings(environment, readFile);

function errorsOf(environment: Record<string, string>, readFile?: (path: string) => string) {
  const outcome = read(environment, readFile);
  return outcome.kind === 'invalid' ? outcome.errors.map(({ variable, problem }) => `${variable}: ${problem}`) : [];
}

describe('settings', () => {
  it('have defaults that start a laptop', () => {
    expect(read({})).toMatchObject({
      kind: 'ok',
      settings: {
        mqttPort: 8883,
        httpsPort: 8443,
        demo: false,
        partitions: 16,
        webhooks: [],
        tlsMinVersion: 'TLSv1.3',
      },
    });
  });

  it('leave out what is optional and not given', () => {
    const outcome = read({ HEALTHSYNC_HOST: '' });
    expect(outcome.kind === 'ok' && Object.keys(outcome.settings)).not.toContain('host');
    expect(outcome.kind === 'ok' && Object.keys(outcome.settings)).not.toContain('smtp');
  });

  it('are read as numbers, switches, lists and groups', () => {
    const outcome = read({
      HEALTHSYNC_MQTT_PORT: '0',
      HEALTHSYNC_DEMO: '1',
      HEALTHSYNC_SERVER_NAMES: 'ward.example, 10.0.0.7 ,,::1',
      HEALTHSYNC_SMTP_URL: 'smtps://u:p@mail.example:465',
      HEALTHSYNC_SMTP_FROM: 'alarms@example.org',
      HEALTHSYNC_NOTIFY_EMAIL: 'a@example.org,b@example.org',
      HEALTHSYNC_WEBHOOK_URLS: 'https://a.example/x,https://b.example/y',
      HEALTHSYNC_WEBHOOK_SECRET: 's'.repeat(32),
    });
    expect(outcome).toMatchObject({
      settings: {
        mqttPort: 0,
        demo: true,
        serverNames: ['ward.example', '10.0.0.7', '::1'],
        smtp: {
          url: 'smtps://u:p@mail.example:465',
          from: 'alarms@example.org',
          to: ['a@example.org', 'b@example.org'],
        },
        webhooks: [{ url: 'https://a.example/x', secret: 's'.repeat(32) }, { url: 'https://b.example/y' }],
      },
    });
  });

  it('take a secret from a file, without its last line break', () => {
    const outcome = read({ DATABASE_URL_FILE: '/run/secrets/db' }, (path) => {
      expect(path).toBe('/run/secrets/db');
      return 'postgresql://u:p@db/health\n';
    });
    expect(outcome).toMatchObject({ settings: { databaseUrl: 'postgresql://u:p@db/health' } });
  });
});

describe('wrong settings', () => {
  it('are all named at once, with what was expected and never with the value', () => {
    const secret = 'mysql://root:hunter2@db/health';
    const errors = errorsOf({
      HEALTHSYNC_MQTT_PORT: '88830',
      HEALTHSYNC_HTTPS_PORT: '84e2',
      HEALTHSYNC_DEMO: 'maybe',
      HEALTHSYNC_LOG_LEVEL: 'loud',
      DATABASE_URL: secret,
      HEALTHSYNC_NOTIFY_EMAIL: 'nobody',
      HEALTHSYNC_WEBHOOK_URLS: 'http://plain.example/hook',
    });
    expect(errors).toEqual([
      'HEALTHSYNC_MQTT_PORT: expected a whole number from 0 to 65535',
      'HEALTHSYNC_HTTPS_PORT: expected a whole number from 0 to 65535',
      'HEALTHSYNC_DEMO: expected 1 or 0',
      'HEALTHSYNC_LOG_LEVEL: expected one of debug, info, warn, error',
      'DATABASE_URL: expected a postgresql:// address',
      'HEALTHSYNC_NOTIFY_EMAIL: expected mail addresses, separated by commas',
      'HEALTHSYNC_WEBHOOK_URLS: expected https:// addresses, separated by commas',
    ]);
    expect(errors.join()).not.toContain('hunter2');
  });

  it('include a name that does not exist, with the nearest that does', () => {
    expect(errorsOf({ HEALTHSYNC_MQTTPORT: '1883' })).toEqual([
      'HEALTHSYNC_MQTTPORT: is not a setting; the nearest is HEALTHSYNC_MQTT_PORT',
    ]);
    expect(errorsOf({ HEALTHSYNC_TEST_ANYTHING: '1', PATH: '/bin' })).toEqual([]);
  });

  it('include a group that is incomplete', () => {
    expect(errorsOf({ HEALTHSYNC_SMTP_URL: 'smtp://mail.example' })).toEqual([
      'HEALTHSYNC_SMTP_FROM: is needed, because HEALTHSYNC_SMTP_URL is set',
    ]);
    expect(errorsOf({ HEALTHSYNC_WEBHOOK_URLS: 'https://a.example/' })).toEqual([
      'HEALTHSYNC_WEBHOOK_SECRET: is needed, because HEALTHSYNC_WEBHOOK_URLS is set',
    ]);
  });

  it('include an account that is named in part, and callbacks without an address to call', () => {
    const hex = '0123456789abcdef'.repeat(2);
    expect(errorsOf({ HEALTHSYNC_TWILIO_ACCOUNT_SID: `AC${hex}`, HEALTHSYNC_TWILIO_AUTH_TOKENS: hex })).toEqual([
      'HEALTHSYNC_TWILIO_API_KEY_SID: is needed, because HEALTHSYNC_TWILIO_ACCOUNT_SID is set',
      'HEALTHSYNC_TWILIO_API_KEY_SECRET: is needed, because HEALTHSYNC_TWILIO_ACCOUNT_SID is set',
      'HEALTHSYNC_PUBLIC_URL: is needed, because HEALTHSYNC_TWILIO_AUTH_TOKENS is set',
    ]);
    expect(errorsOf({ HEALTHSYNC_PAGERDUTY_WEBHOOK_SECRETS: 's'.repeat(32) })).toEqual([
      'HEALTHSYNC_PAGERDUTY_SERVICES: is needed, because HEALTHSYNC_PAGERDUTY_WEBHOOK_SECRETS is set',
    ]);
    expect(
      errorsOf({
        HEALTHSYNC_PAGERDUTY_SERVICES: 'icu=too-short',
        HEALTHSYNC_TWILIO_SMS_FROM: '0049 30 1234',
        HEALTHSYNC_PUBLIC_URL: 'http://alarms.example',
        HEALTHSYNC_OUTGOING_HOSTS: 'https://ward.internal',
      }),
    ).toEqual([
      'HEALTHSYNC_PUBLIC_URL: expected an https:// address without a path',
      'HEALTHSYNC_OUTGOING_HOSTS: expected host names or host:port, separated by commas',
      'HEALTHSYNC_PAGERDUTY_SERVICES: expected pairs such as icu=<integration key>, separated by commas',
      'HEALTHSYNC_TWILIO_SMS_FROM: expected a number such as +4930123456, a sender’s name, or a messaging service (MG…)',
    ]);
  });

  it('include a secret file that cannot be read, or that competes with the variable', () => {
    expect(errorsOf({ DATABASE_URL_FILE: '/nowhere' })).toEqual([
      'DATABASE_URL_FILE: expected a file that can be read (ENOENT)',
    ]);
    expect(errorsOf({ DATABASE_URL_FILE: '/a', DATABASE_URL: 'postgresql://x/y' }, () => 'postgresql://x/y')).toEqual([
      'DATABASE_URL_FILE: cannot be set together with DATABASE_URL',
    ]);
  });
});

describe('docs/configuration.md', () => {
  // After a change of a setting: npx vitest run -u --project server server/src/apps/settings.test.ts
  it('is what the schema says', async () => {
    await expect(configurationPage()).toMatchFileSnapshot('../../../docs/configuration.md');
  });
});
