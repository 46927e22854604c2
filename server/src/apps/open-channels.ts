import { createSmtpNotifier, smtpServer } from '../adapters/notify/smtp.ts';
import { createWebhookNotifier, webhookEndpoints } from '../adapters/notify/webhook.ts';
import type { Subscription } from '../domain/topic.ts';
import type { Notifier } from '../ports/notifier.ts';
import { openPagerDuty } from './open-pagerduty.ts';
import { openTwilio } from './open-twilio.ts';
import type { OpenedChannels } from './opened-channels.ts';
import { outgoingRules } from './outgoing-rules.ts';
import type { Settings } from './settings.ts';

/** The channels that the settings name, and whom the settings subscribe. */
export interface Channels {
  readonly notifiers: readonly Notifier[];
  /** Of the house: shown beside those made in the app, and changed in the settings. */
  readonly subscriptions: readonly Subscription[];
  /** Recipients of the house at other vendors, which topics are subscribed to in the app. */
  readonly endpoints: OpenedChannels['endpoints'];
  /** Where vendors bring answers and receipts. */
  readonly hooks: OpenedChannels['hooks'];
  close(): void;
}

export function openChannels(settings: Settings, now: () => number): Channels {
  const { smtp, webhooks, webhookPreviousSecret } = settings;
  const mail =
    smtp === undefined ? undefined : createSmtpNotifier({ channel: 'smtp', from: smtp.from, ...smtpServer(smtp.url) });
  const endpoints = webhookEndpoints(
    webhooks.map(({ url }) => url),
    webhooks
      .slice(0, 1)
      .flatMap(({ secret }) => [secret, ...(webhookPreviousSecret === undefined ? [] : [webhookPreviousSecret])]),
  );
  const vendors = [openPagerDuty(settings, now), openTwilio(settings, now)];
  const hook =
    endpoints.size === 0
      ? undefined
      : createWebhookNotifier({
          channel: 'webhook',
          endpointOf: (recipient) => endpoints.get(recipient),
          // Whom the settings name, the operator vouches for.
          outgoing: outgoingRules(
            settings,
            webhooks.map(({ url }) => new URL(url).host),
          ),
          now,
        });
  return {
    notifiers: [mail, hook, ...vendors.flatMap(({ notifiers }) => notifiers)].filter((each) => each !== undefined),
    subscriptions: [
      ...(smtp?.to ?? []).flatMap((recipient) => ofTheHouse('smtp', recipient)),
      ...[...endpoints.keys()].flatMap((recipient) => ofTheHouse('webhook', recipient)),
    ],
    endpoints: vendors.flatMap(({ endpoints }) => endpoints),
    hooks: vendors.flatMap(({ hooks }) => hooks),
    close: () => mail?.close(),
  };
}

/**
 * Whom the settings name is told of what asks for a person: high and medium alarms, patients whose data stopped, and
 * trouble of the installation. A flat battery can wait for the round.
 */
function ofTheHouse(channel: string, recipient: string): readonly Subscription[] {
  return (['alarms', 'technical', 'system'] as const).map((topic) => ({
    id: `settings.${channel}.${topic}.${recipient}`,
    topic: { class: topic },
    subscriber: { kind: 'endpoint', channel, recipient },
    minPriority: 'medium',
  }));
}
