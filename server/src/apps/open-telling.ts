import { randomBytes } from 'node:crypto';
import { PostgresAnswerTokens } from '../adapters/postgres/answer-tokens.ts';
import { PostgresChannelPolicies } from '../adapters/postgres/channel-policies.ts';
import type { Connections } from '../adapters/postgres/connection.ts';
import { PostgresContacts } from '../adapters/postgres/contacts.ts';
import type { Listener } from '../adapters/postgres/listener.ts';
import { PostgresOutbox } from '../adapters/postgres/outbox.ts';
import type { PostgresRegistry } from '../adapters/postgres/registry.ts';
import { PostgresSystemAlarms } from '../adapters/postgres/system-alarms.ts';
import { PostgresTopicSubscriptions } from '../adapters/postgres/topic-subscriptions.ts';
import type { Log } from '../telemetry/log.ts';
import { createAnswerTokens } from '../vitals/5-notify/answer-token.ts';
import { createChannelWatch } from '../vitals/5-notify/channel-watch.ts';
import { openSystemAlarmDesk } from '../vitals/5-notify/system-alarm-desk.ts';
import { createSystemTelling } from '../vitals/5-notify/tell-system-alarms.ts';
import type { Subscribers } from '../vitals/5-notify/teller.ts';
import { openChannels } from './open-channels.ts';
import type { Settings } from './settings.ts';
import type { undoStack } from './undo.ts';

/** Everything that telling needs before a reading can arrive: channels, whom they reach, and what watches over them. */
export async function openTelling(parts: {
  readonly settings: Settings;
  readonly database: Connections;
  readonly listener: Listener;
  readonly registry: Pick<PostgresRegistry, 'findPatient'>;
  readonly log: Log;
  readonly now: () => number;
  readonly undo: ReturnType<typeof undoStack>;
}) {
  const { settings, database, listener, registry, log, now, undo } = parts;
  const channels = openChannels(settings, now);
  undo.push('channels', () => channels.close());
  const outbox = new PostgresOutbox(database);
  const contacts = new PostgresContacts(database);
  const topics = new PostgresTopicSubscriptions(database);
  const policies = new PostgresChannelPolicies(database);
  const tokens = new PostgresAnswerTokens(database);

  const systemAlarmStore = new PostgresSystemAlarms(database);
  const systemAlarms = await openSystemAlarmDesk({
    store: systemAlarmStore,
    now,
    hooks: {
      onStoreError: (error) => log.warn('an alarm of the installation cannot be stored yet', { error }),
      onDropped: () => log.error('too many alarms of the installation', {}),
    },
  });
  undo.push('alarms of the installation', () => systemAlarms.stop());
  const rereadSystemAlarms = () =>
    void systemAlarms
      .refresh()
      .catch((error: unknown) => log.warn('alarms of the installation could not be reread', { error }));
  const stopNotices = await listener.listen('healthsync_system_alarm', {
    onNotice: rereadSystemAlarms,
    onGap: rereadSystemAlarms,
  });
  undo.push('notices of the installation', () => stopNotices());

  const names = channels.notifiers.map(({ channel }) => channel);
  const watch = createChannelWatch({ channels: names, systemAlarms, now });
  const subscribers = async (): Promise<Subscribers> => {
    const subscriptions = [...channels.subscriptions, ...(await topics.list())];
    const users = subscriptions.flatMap(({ subscriber }) => (subscriber.kind === 'user' ? [subscriber.userId] : []));
    return { subscriptions, people: await contacts.people([...new Set(users)]) };
  };
  let wakeTeller: () => void = () => {};
  const tellSystem = createSystemTelling({
    outbox,
    subscribers,
    watch,
    now,
    onOrdered: () => wakeTeller(),
    onError: (error) => log.warn('an alarm of the installation could not be told yet', { error }),
  });
  systemAlarms.onChange((alarm, isNew) => void (isNew && tellSystem(alarm)));

  return {
    channels,
    contacts,
    topics,
    policies,
    tokens,
    systemAlarms,
    systemAlarmStore,
    watch,
    /** For the pipeline. */
    telling: {
      subscribers,
      policies: async () => new Map([...(await policies.current())].map(([name, { policy }]) => [name, policy])),
      watch,
      sources: {
        nameOf: async ({ patientId }: { readonly patientId: Parameters<typeof registry.findPatient>[0] }) => {
          const { givenName, familyName } = (await registry.findPatient(patientId)) ?? {};
          const name = [givenName, familyName].filter((part) => part !== undefined).join(' ');
          return name === '' ? undefined : name;
        },
        answerToken: createAnswerTokens({ tokens, now, randomToken: () => randomBytes(32).toString('base64url') }),
      },
    },
    onWake: (wake: () => void) => {
      wakeTeller = wake;
    },
  };
}
