import { type Static, Type } from 'typebox';
import { variable } from './setting-variable.ts';

/** Standard Webhooks writes secrets as `whsec_` and base64; any other text is taken as it is. */
export const WEBHOOK_SECRET_PATTERN = '^(whsec_[A-Za-z0-9+/]+={0,2}$|(?!whsec_))';
export const WEBHOOK_SECRET_EXPECTED = 'at least 32 characters, or whsec_ and base64';
const PHONE = '\\+[1-9]\\d{6,14}';
const SERVICE_SID = 'MG[0-9a-f]{32}';

/** How this server is reached from outside, where it may call, and its accounts at PagerDuty and Twilio. */
export const OUTGOING_SETTINGS = {
  publicUrl: Type.Optional(
    Type.String({
      ...variable('HEALTHSYNC_PUBLIC_URL', 'an https:// address without a path'),
      pattern: '^https://[A-Za-z0-9.-]+(:\\d{1,5})?/?$',
      description:
        'How people and other services reach this server from outside: links in messages, and addresses that are called back. Without it links use the first of `HEALTHSYNC_SERVER_NAMES`, and nothing is called back.',
    }),
  ),
  outgoingHosts: Type.Array(Type.String({ pattern: '^(\\[[0-9A-Fa-f:]+\\]|[A-Za-z0-9.-]{1,253})(:\\d{1,5})?$' }), {
    ...variable('HEALTHSYNC_OUTGOING_HOSTS', 'host names or host:port, separated by commas'),
    maxItems: 100,
    default: [],
    description:
      'Hosts of the house that addresses set in the app may name, on any port; all other such addresses must be on the internet. Subscriptions of events may tell these of patients; any other needs a party with whom the patients consent to share.',
  }),
  outgoingPorts: Type.Array(Type.String({ pattern: '^[1-9]\\d{0,4}$' }), {
    ...variable('HEALTHSYNC_OUTGOING_PORTS', 'ports, separated by commas'),
    minItems: 1,
    maxItems: 20,
    default: ['443'],
    description: 'Ports that addresses set in the app may use.',
  }),
  webhookPreviousSecret: Type.Optional(
    Type.String({
      ...variable('HEALTHSYNC_WEBHOOK_PREVIOUS_SECRET', WEBHOOK_SECRET_EXPECTED),
      secret: true,
      minLength: 32,
      pattern: WEBHOOK_SECRET_PATTERN,
      description:
        'The former `HEALTHSYNC_WEBHOOK_SECRET`, while receivers change over: webhooks are then signed with both.',
    }),
  ),

  pagerDutyServices: Type.Array(Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,40}=[A-Za-z0-9]{32}$' }), {
    ...variable('HEALTHSYNC_PAGERDUTY_SERVICES', 'pairs such as icu=<integration key>, separated by commas'),
    secret: true,
    maxItems: 50,
    default: [],
    description:
      'PagerDuty services with the key of their Events API v2 integration. Which alarms they get is subscribed to in the app.',
  }),
  pagerDutyEventsUrl: Type.String({
    ...variable('HEALTHSYNC_PAGERDUTY_EVENTS_URL', 'an https:// address'),
    pattern: '^https://[^\\s]+$',
    default: 'https://events.pagerduty.com/v2/enqueue',
    description:
      'Where events are sent; `https://events.eu.pagerduty.com/v2/enqueue` for accounts in the EU service region.',
  }),
  pagerDutyWebhookSecrets: Type.Array(Type.String({ minLength: 16, maxLength: 200 }), {
    ...variable('HEALTHSYNC_PAGERDUTY_WEBHOOK_SECRETS', 'secrets of at least 16 characters, separated by commas'),
    secret: true,
    maxItems: 50,
    default: [],
    description:
      'Signing secrets of the PagerDuty webhooks (v3) that call `/hooks/pagerduty/pagerduty`. With them, whoever acknowledges or resolves in PagerDuty takes the alarm here.',
  }),

  twilioAccountSid: Type.Optional(
    Type.String({
      ...variable('HEALTHSYNC_TWILIO_ACCOUNT_SID', 'AC and 32 hexadecimal digits'),
      pattern: '^AC[0-9a-f]{32}$',
      description: 'Twilio account for SMS and WhatsApp.',
    }),
  ),
  twilioApiKeySid: Type.Optional(
    Type.String({
      ...variable('HEALTHSYNC_TWILIO_API_KEY_SID', 'SK and 32 hexadecimal digits'),
      pattern: '^SK[0-9a-f]{32}$',
      description: 'API key of that account; needed with `HEALTHSYNC_TWILIO_ACCOUNT_SID`.',
    }),
  ),
  twilioApiKeySecret: Type.Optional(
    Type.String({
      ...variable('HEALTHSYNC_TWILIO_API_KEY_SECRET', 'the secret of the API key'),
      secret: true,
      minLength: 16,
      description: 'Its secret.',
    }),
  ),
  twilioApiUrl: Type.String({
    ...variable('HEALTHSYNC_TWILIO_API_URL', 'an https:// address'),
    pattern: '^https://[^\\s]+$',
    default: 'https://api.twilio.com/',
    description:
      'Where messages are sent; `https://api.dublin.ie1.twilio.com/` for accounts in the Irish region, for one.',
  }),
  twilioAuthTokens: Type.Array(Type.String({ pattern: '^[0-9a-f]{32}$' }), {
    ...variable(
      'HEALTHSYNC_TWILIO_AUTH_TOKENS',
      'one or two auth tokens of 32 hexadecimal digits, separated by a comma',
    ),
    secret: true,
    maxItems: 2,
    default: [],
    description:
      'Auth tokens of the account, which sign what Twilio calls back: replies and receipts. Needs `HEALTHSYNC_PUBLIC_URL`; the addresses are `/hooks/twilio/sms` and `/hooks/twilio/whatsapp`.',
  }),
  twilioSmsFrom: Type.Optional(
    Type.String({
      ...variable(
        'HEALTHSYNC_TWILIO_SMS_FROM',
        'a number such as +4930123456, a sender’s name, or a messaging service (MG…)',
      ),
      pattern: `^(${PHONE}|${SERVICE_SID}|\\d{3,8}|[A-Za-z][A-Za-z0-9 ]{0,10})$`,
      description: 'Sender of SMS. A sender’s name cannot be replied to.',
    }),
  ),
  twilioWhatsAppFrom: Type.Optional(
    Type.String({
      ...variable('HEALTHSYNC_TWILIO_WHATSAPP_FROM', 'a number such as +4930123456, or a messaging service (MG…)'),
      pattern: `^(${PHONE}|${SERVICE_SID})$`,
      description: 'Sender of WhatsApp messages.',
    }),
  ),
  twilioWhatsAppTemplate: Type.Optional(
    Type.String({
      ...variable('HEALTHSYNC_TWILIO_WHATSAPP_TEMPLATE', 'HX and 32 hexadecimal digits'),
      pattern: '^HX[0-9a-f]{32}$',
      description:
        'The approved template for whoever has not written to us within a day: `{{1}}` is the headline, `{{2}}` the rest, `{{3}}` the id of its quick reply. Needed with `HEALTHSYNC_TWILIO_WHATSAPP_FROM`.',
    }),
  ),
};

const AllOutgoing = Type.Object(OUTGOING_SETTINGS);

/** Which of them make no sense without another: given, by which variable, whether the other is there, its variable. */
export function outgoingNeeds(
  values: Partial<Static<typeof AllOutgoing> & { readonly webhookSecret?: string }>,
): readonly (readonly [given: boolean, by: string, has: boolean, variable: string])[] {
  const isGiven = (name: keyof typeof values) => {
    const value = values[name];
    return Array.isArray(value) ? value.length > 0 : value !== undefined;
  };
  return NEEDS.map(([given, by, has, missing]) => [isGiven(given), by, isGiven(has), missing]);
}

const NEEDS = [
  ['webhookPreviousSecret', 'HEALTHSYNC_WEBHOOK_PREVIOUS_SECRET', 'webhookSecret', 'HEALTHSYNC_WEBHOOK_SECRET'],
  [
    'pagerDutyWebhookSecrets',
    'HEALTHSYNC_PAGERDUTY_WEBHOOK_SECRETS',
    'pagerDutyServices',
    'HEALTHSYNC_PAGERDUTY_SERVICES',
  ],
  ['twilioAccountSid', 'HEALTHSYNC_TWILIO_ACCOUNT_SID', 'twilioApiKeySid', 'HEALTHSYNC_TWILIO_API_KEY_SID'],
  ['twilioAccountSid', 'HEALTHSYNC_TWILIO_ACCOUNT_SID', 'twilioApiKeySecret', 'HEALTHSYNC_TWILIO_API_KEY_SECRET'],
  ['twilioApiKeySid', 'HEALTHSYNC_TWILIO_API_KEY_SID', 'twilioAccountSid', 'HEALTHSYNC_TWILIO_ACCOUNT_SID'],
  ['twilioSmsFrom', 'HEALTHSYNC_TWILIO_SMS_FROM', 'twilioAccountSid', 'HEALTHSYNC_TWILIO_ACCOUNT_SID'],
  ['twilioWhatsAppFrom', 'HEALTHSYNC_TWILIO_WHATSAPP_FROM', 'twilioAccountSid', 'HEALTHSYNC_TWILIO_ACCOUNT_SID'],
  [
    'twilioWhatsAppFrom',
    'HEALTHSYNC_TWILIO_WHATSAPP_FROM',
    'twilioWhatsAppTemplate',
    'HEALTHSYNC_TWILIO_WHATSAPP_TEMPLATE',
  ],
  ['twilioAuthTokens', 'HEALTHSYNC_TWILIO_AUTH_TOKENS', 'publicUrl', 'HEALTHSYNC_PUBLIC_URL'],
] as const;
