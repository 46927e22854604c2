import { createWebhookNotifier, webhookEndpoints } from '../adapters/notify/webhook.ts';
import type { Connections } from '../adapters/postgres/connection.ts';
import type { Subscription } from '../domain/topic.ts';
import type { Contacts } from '../ports/contacts.ts';
import type { Notifier } from '../ports/notifier.ts';
import { openPagerDuty } from './open-pagerduty.ts';
import { openSlack } from './open-slack.ts';
import { openTeams } from './open-teams.ts';
import type { OpenedTenants } from './open-tenants.ts';
import { openTwilio } from './open-twilio.ts';
import { openWebPush } from './open-web-push.ts';
import type { OpenedChannels } from './opened-channels.ts';
import { outgoingRules } from './outgoing-rules.ts';
import type { Settings } from './settings.ts';

/** The channels that the settings name, and whom the settings subscribe. */
export interface Channels {
  readonly notifiers: readonly Notifier[];
  /** Of the house: shown beside those made in the app, and changed in the settings. */
  readonly subscriptions: readonly Subscription[];
  /** Where a channel can send only to what the settings name: those names. */
  readonly endpoints: ReadonlyMap<string, readonly string[]>;
  /** Where vendors bring answers and receipts. */
  readonly hooks: OpenedChannels['hooks'];
  close(): void;
}

export async function openChannels(parts: {
  readonly settings: Settings;
  readonly dataFolder: string;
  readonly database: Pick<Connections, 'pool'>;
  readonly contacts: Contacts;
  /** Where people ask; a command has nobody who does. */
  readonly tenants?: Pick<OpenedTenants, 'accounts'>;
  readonly now: () => number;
}): Promise<Channels> {
  const { settings, now } = parts;
  const mail = await openMail(settings);
  const webhooks = openWebhooks(settings, now);
  const vendors = [
    webhooks,
    openPagerDuty(settings, now),
    openTwilio(settings, now),
    openSlack(settings, now),
    openTeams(settings, now),
    await openWebPush(parts),
  ];
  const endpoints = Map.groupBy(
    vendors.flatMap((vendor) => vendor.endpoints),
    ({ channel }) => channel,
  );
  return {
    notifiers: [...(mail === undefined ? [] : [mail]), ...vendors.flatMap(({ notifiers }) => notifiers)],
    subscriptions: [
      ...(settings.smtp?.to ?? []).flatMap((recipient) => ofTheHouse('smtp', recipient)),
      ...webhooks.endpoints.flatMap(({ channel, recipient }) => ofTheHouse(channel, recipient)),
    ],
    endpoints: new Map([...endpoints].map(([channel, all]) => [channel, all.map(({ recipient }) => recipient)])),
    hooks: vendors.flatMap(({ hooks }) => hooks),
    close: () => mail?.close(),
  };
}

async function openMail({ smtp }: Settings) {
  if (smtp === undefined) return undefined;
  const { createSmtpNotifier, smtpServer } = await import('../adapters/notify/smtp.ts');
  return createSmtpNotifier({ channel: 'smtp', from: smtp.from, ...smtpServer(smtp.url) });
}

function openWebhooks(settings: Settings, now: () => number): OpenedChannels {
  const { webhooks, webhookPreviousSecret } = settings;
  if (webhooks.length === 0) return { notifiers: [], endpoints: [], hooks: [] };
  const endpoints = webhookEndpoints(
    webhooks.map(({ url }) => url),
    webhooks
      .slice(0, 1)
      .flatMap(({ secret }) => [secret, ...(webhookPreviousSecret === undefined ? [] : [webhookPreviousSecret])]),
  );
  const notifier = createWebhookNotifier({
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
    notifiers: [notifier],
    endpoints: [...endpoints.keys()].map((recipient) => ({ channel: 'webhook', recipient })),
    hooks: [],
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
