import { join } from 'node:path';
import { isPushService } from '../adapters/notify/push-services.ts';
import { createWebPushNotifier } from '../adapters/notify/web-push.ts';
import type { Connections } from '../adapters/postgres/connection.ts';
import { PostgresContacts } from '../adapters/postgres/contacts.ts';
import { PostgresPushSubscriptions } from '../adapters/postgres/push-subscriptions.ts';
import { openPushKeys } from '../identity/push-keys.ts';
import type { Contacts } from '../ports/contacts.ts';
import { registerPush } from '../serve/api/push.ts';
import type { OpenedTenants } from './open-tenants.ts';
import type { OpenedChannels } from './opened-channels.ts';
import type { Settings } from './settings.ts';

const CHANNEL = 'web-push';

/** Web push: always there, since it costs nothing until somebody lets a browser be pushed to. */
export async function openWebPush(parts: {
  readonly settings: Settings;
  readonly dataFolder: string;
  readonly database: Pick<Connections, 'pool'>;
  readonly contacts: Pick<Contacts, 'remove'>;
  /** Where people ask; a command has nobody who does. */
  readonly tenants?: Pick<OpenedTenants, 'accounts'>;
  readonly now: () => number;
}): Promise<OpenedChannels> {
  const { settings, dataFolder, database, contacts, now } = parts;
  const services = settings.pushServices;
  const subscriptions = new PostgresPushSubscriptions(database);
  const asking = parts.tenants?.accounts ?? database;
  const keys = await openPushKeys(join(dataFolder, 'push-keys.pem'));
  const { publicKey } = keys;
  return {
    notifiers: [
      createWebPushNotifier({
        channel: CHANNEL,
        subscriptions,
        onUnreachable: async (userId) =>
          void (await contacts.remove({ userId, channel: CHANNEL, address: userId, atMs: now() })),
        keys,
        contact: contactOf(settings),
        services,
        now,
      }),
    ],
    endpoints: [],
    hooks: [
      ({ answers }) =>
        (app) =>
          registerPush(app, {
            channel: CHANNEL,
            publicKey,
            subscriptions: new PostgresPushSubscriptions(asking, { ofAll: database }),
            contacts: new PostgresContacts(asking),
            answers,
            isPushService: (url) => isPushService(url, services),
            now,
          }),
    ],
  };
}

/** A browser only subscribes where it trusts the address, so an installation that pushes has one of these. */
function contactOf({ pushContact, publicUrl, serverNames }: Settings): string {
  return pushContact ?? publicUrl ?? `https://${serverNames[0] ?? 'localhost'}`;
}
