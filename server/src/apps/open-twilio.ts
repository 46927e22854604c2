import { createTwilioNotifier, type TwilioSettings } from '../adapters/notify/twilio.ts';
import { createConversations } from '../adapters/notify/whatsapp-conversations.ts';
import { registerTwilioHook } from '../serve/hooks/twilio.ts';
import type { OpenedChannels } from './opened-channels.ts';
import type { Settings } from './settings.ts';

/** SMS and WhatsApp by Twilio, as the settings name them. */
export function openTwilio(settings: Settings, now: () => number): OpenedChannels {
  const { twilioAccountSid: accountSid, twilioApiKeySid: apiKeySid, twilioApiKeySecret: apiKeySecret } = settings;
  if (accountSid === undefined || apiKeySid === undefined || apiKeySecret === undefined)
    return { notifiers: [], endpoints: [], hooks: [] };
  const { twilioAuthTokens: authTokens, twilioSmsFrom: smsFrom, twilioWhatsAppFrom: whatsAppFrom } = settings;
  const publicUrl = settings.publicUrl === undefined ? undefined : new URL(settings.publicUrl);
  const conversations = createConversations(now);
  // Receipts are asked for only where they can be believed.
  const isCalledBack = publicUrl !== undefined && authTokens.length > 0;
  const apiUrl = new URL(settings.twilioApiUrl);
  const account = { accountSid, apiKeySid, apiKeySecret, apiUrl, now, ...(isCalledBack ? { publicUrl } : {}) };
  const template = settings.twilioWhatsAppTemplate;

  const channels: readonly TwilioSettings[] = [
    ...(smsFrom === undefined ? [] : [{ ...account, channel: 'sms', type: 'sms' as const, from: smsFrom }]),
    ...(whatsAppFrom === undefined
      ? []
      : [
          {
            ...account,
            channel: 'whatsapp',
            type: 'whatsapp' as const,
            from: whatsAppFrom,
            isInConversation: conversations.isOpen,
            ...(template === undefined ? {} : { contentSid: template }),
          },
        ]),
  ];
  return {
    notifiers: channels.map(createTwilioNotifier),
    endpoints: [],
    hooks: !isCalledBack
      ? []
      : channels.map(({ channel, type }) => ({ answers, log }) => (app) => {
          const onHeard = type === 'whatsapp' ? { onHeard: conversations.heard } : {};
          registerTwilioHook(app, { channel, accountSid, authTokens, publicUrl, answers, log, now, ...onHeard });
        }),
  };
}
