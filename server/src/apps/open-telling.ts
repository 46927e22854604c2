import { randomBytes, randomInt, randomUUID } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import type { Decisions } from '../access/decisions.ts';
import { PostgresAccounts } from '../adapters/postgres/accounts.ts';
import { PostgresAnswerTokens } from '../adapters/postgres/answer-tokens.ts';
import { PostgresChannelPolicies } from '../adapters/postgres/channel-policies.ts';
import type { Connections } from '../adapters/postgres/connection.ts';
import { PostgresContacts } from '../adapters/postgres/contacts.ts';
import type { Listener } from '../adapters/postgres/listener.ts';
import { PostgresOutbox } from '../adapters/postgres/outbox.ts';
import { PostgresSystemAlarms } from '../adapters/postgres/system-alarms.ts';
import { PostgresTopicSubscriptions } from '../adapters/postgres/topic-subscriptions.ts';
import type { Alarm } from '../domain/alarm.ts';
import { parseContactAddress } from '../domain/contact-address.ts';
import { DEFAULT_TENANT, type PatientId } from '../domain/ids.ts';
import { ofWards } from '../domain/topic.ts';
import type { TellOwner } from '../identity/account-notices.ts';
import type { RegistryView } from '../identity/registry-view.ts';
import type { Accounts } from '../ports/accounts.ts';
import type { AlarmStore } from '../ports/alarm-store.ts';
import type { Notifier } from '../ports/notifier.ts';
import type { ChannelTraffic } from '../ports/outbox.ts';
import type { Registry } from '../ports/registry.ts';
import type { SystemAlarm } from '../ports/system-alarms.ts';
import type { VitalsHistory } from '../ports/vitals-history.ts';
import { registerTelling } from '../serve/api/telling.ts';
import type { HealthCheck } from '../serve/services.ts';
import { signatureOf } from '../serve/signature.ts';
import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { AlarmDesk } from '../vitals/4-alert/alarm-desk.ts';
import { createAlarmAnswers } from '../vitals/5-notify/alarm-answers.ts';
import { createAnswerTokens } from '../vitals/5-notify/answer-token.ts';
import { createChannelTest } from '../vitals/5-notify/channel-test.ts';
import { CHANNEL_FAILING, createChannelWatch, FAILING_FROM, failingId } from '../vitals/5-notify/channel-watch.ts';
import { createContactVerification } from '../vitals/5-notify/contact-verification.ts';
import { reachableContacts } from '../vitals/5-notify/reachable-contacts.ts';
import { createRichMail } from '../vitals/5-notify/rich-mail.ts';
import { shownByConsent } from '../vitals/5-notify/shown-by-consent.ts';
import { openSystemAlarmDesk, type SystemAlarmDesk } from '../vitals/5-notify/system-alarm-desk.ts';
import { createSystemTelling } from '../vitals/5-notify/tell-system-alarms.ts';
import type { Subscribers, Teller } from '../vitals/5-notify/teller.ts';
import { openChannels } from './open-channels.ts';
import type { OpenedTenants } from './open-tenants.ts';
import type { Settings } from './settings.ts';
import type { undoStack } from './undo.ts';

interface TellingParts {
  readonly settings: Settings;
  /** Beside those of the settings. */
  readonly moreNotifiers: readonly Notifier[];
  readonly dataFolder: string;
  readonly database: Connections;
  readonly tenants: OpenedTenants;
  /** Whether the patient's consent lets their name and what was measured be shown. */
  readonly mayShow: (patientId: PatientId) => boolean;
  readonly listener: Listener;
  readonly outbox: PostgresOutbox;
  readonly registry: Pick<Registry, 'findPatient'>;
  readonly history: Pick<VitalsHistory, 'trend'>;
  readonly accounts: Pick<Accounts, 'users'>;
  readonly alarms: Pick<AlarmStore, 'find'>;
  readonly view: () => RegistryView;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly now: () => number;
  readonly undo: ReturnType<typeof undoStack>;
}

/** Everything that telling needs: channels, whom they reach, what comes back, and what watches over them. */
export async function openTelling(parts: TellingParts) {
  const { database, outbox, registry, history, accounts, metrics, log, now, undo } = parts;
  const systemAlarms = await openSystemAlarms(parts);
  const contacts = new PostgresContacts(database);
  const channels = await openChannels({ ...parts, contacts });
  undo.push('channels', () => channels.close());
  const notifiers = [...channels.notifiers, ...parts.moreNotifiers];
  const reachable = reachableContacts(contacts, notifiers);
  const topics = new PostgresTopicSubscriptions(database);
  const policies = new PostgresChannelPolicies(database);
  const tokens = new PostgresAnswerTokens(database);
  endAlarmsOfOthers(systemAlarms, notifiers);
  const watch = createChannelWatch({ channels: notifiers.map(({ channel }) => channel), systemAlarms, now });

  const subscribers = async (): Promise<Subscribers> => {
    const subscriptions = ofWards([...channels.subscriptions, ...(await topics.list())], parts.view().snapshot.wards);
    const users = subscriptions.flatMap(({ subscriber }) => (subscriber.kind === 'user' ? [subscriber.userId] : []));
    return {
      subscriptions,
      people: await reachable.people([...new Set(users)]),
      tenantOf: (patientId) => parts.view().place(patientId)?.tenantId,
    };
  };
  let wake: () => void = () => {};
  const tellSystem = createSystemTelling({
    outbox,
    subscribers,
    watch,
    now,
    onOrdered: () => wake(),
    onError: (error) => log.warn('an alarm of the installation could not be told yet', { error }),
  });
  systemAlarms.onChange((alarm, isNew) => void (isNew && tellSystem(alarm)));
  const traffic = pollTraffic(outbox, undo);

  return {
    notifiers,
    systemAlarms,
    /** Only what a configured channel reaches. */
    contacts: reachable,
    /** For the pipeline. */
    telling: {
      subscribers,
      policies: async () => new Map([...(await policies.current())].map(([name, { policy }]) => [name, policy])),
      watch,
      settings: { togetherMs: parts.settings.escalationTogetherSeconds * 1_000 },
      sources: {
        ...shownByConsent(
          {
            nameOf: ({ patientId }: Alarm) => nameOf(registry, patientId),
            rich: createRichMail({ history, now }),
          },
          parts.mayShow,
        ),
        answerToken: createAnswerTokens({ tokens, now, randomToken: () => randomBytes(32).toString('base64url') }),
      },
    },
    health: [
      {
        name: 'installation',
        required: false,
        state: () => (systemAlarms.open().some(({ priority }) => priority !== 'low') ? 'degraded' : 'up'),
      } satisfies HealthCheck,
      ...notifiers.map(
        ({ channel }): HealthCheck => ({
          name: `channel ${channel}`,
          required: false,
          state: () => ((watch.health().get(channel)?.failedInARow ?? 0) >= FAILING_FROM ? 'degraded' : 'up'),
        }),
      ),
    ],
    gauges: {
      healthsync_notify_pending: () => Object.fromEntries(traffic().map(({ channel, waiting }) => [channel, waiting])),
      healthsync_system_alarms_open: () => countOf(systemAlarms),
    },
    /** Once alarms can be acknowledged and the teller runs: the routes of people, and those of vendors. */
    routes(later: {
      readonly desk: Pick<AlarmDesk, 'acknowledge'>;
      readonly teller: Teller;
      readonly access: Decisions;
      readonly tellOwner: TellOwner;
    }) {
      wake = () => later.teller.wake();
      const users = () => accounts.users();
      const answers = createAlarmAnswers({
        access: later.access,
        contacts,
        tokens,
        outbox,
        addressOf(channel, text) {
          const type = notifiers.find((each) => each.channel === channel)?.type;
          return (type === undefined ? undefined : parseContactAddress(type, text)) ?? text;
        },
        userById: async (id) => (await users()).find((user) => user.id === id),
        findAlarm: (id) => parts.alarms.find(id),
        wardNow: ({ patientId }) => parts.view().place(patientId)?.wardId,
        acknowledge: (request) => later.desk.acknowledge(request),
        signatureOf,
        onUndelivered: (channel, recipient, reason) => watch.gaveUp(channel, recipient, reason),
        now,
        hooks: {
          answered: (channel, outcome) => metrics.notify.answered(channel, outcome),
          receipt: (channel, state) => metrics.notify.receipt(channel, state),
        },
      });
      // What people ask for goes to the database as their organisation.
      const { asking } = parts.tenants;
      // An address is one person's in all the installation: of another's is told that it is taken, and nothing else.
      const askedContacts = new PostgresContacts(parts.tenants.accounts);
      const askedAccounts = new PostgresAccounts(asking);
      const askedOutbox = new PostgresOutbox(asking);
      const ofCaller = ({ tenantId = parts.tenants.tenantNow() }: SystemAlarm) =>
        tenantId === parts.tenants.tenantNow();
      const services = {
        notifiers,
        contacts: askedContacts,
        verification: createContactVerification({
          contacts: askedContacts,
          notifiers,
          randomCode: () => String(randomInt(1_000_000)).padStart(6, '0'),
          newId: randomUUID,
          now,
        }),
        topics: new PostgresTopicSubscriptions(asking),
        // Whom the settings name are people and places of the organisation that runs the installation.
        house: {
          get subscriptions() {
            return parts.tenants.tenantNow() === DEFAULT_TENANT ? channels.subscriptions : [];
          },
          get endpoints() {
            return parts.tenants.tenantNow() === DEFAULT_TENANT ? channels.endpoints : noneOf(channels.endpoints);
          },
        },
        policies,
        watch,
        traffic: () => askedOutbox.traffic(),
        testChannel: createChannelTest({ watch, newId: randomUUID, now, monotonicMs: () => performance.now() }),
        systemAlarms: {
          open: () => systemAlarms.open().filter(ofCaller),
          acknowledge: (id: string, by: string) =>
            systemAlarms.open().some((alarm) => alarm.id === id && ofCaller(alarm))
              ? systemAlarms.acknowledge(id, by)
              : undefined,
        },
        systemAlarmStore: new PostgresSystemAlarms(asking),
        users: () => askedAccounts.users(),
        tellOwner: later.tellOwner,
        now,
      };
      return [
        (app: FastifyInstance) => registerTelling(app, services),
        ...channels.hooks.map((hook) => hook({ answers, log })),
      ];
    },
  };
}

/** The same channels, which reach nobody. */
const noneOf = (endpoints: ReadonlyMap<string, readonly string[]>): ReadonlyMap<string, readonly string[]> =>
  new Map([...endpoints.keys()].map((channel) => [channel, []]));

async function openSystemAlarms({ database, listener, metrics, log, now, undo }: TellingParts) {
  const desk = await openSystemAlarmDesk({
    store: new PostgresSystemAlarms(database),
    now,
    hooks: {
      raised: (rule) => metrics.notify.systemAlarm(rule),
      onStoreError: (error) => log.warn('an alarm of the installation cannot be stored yet', { error }),
      onDropped: (rule) => log.error('too many alarms of the installation', { reason: rule }),
    },
  });
  undo.push('alarms of the installation', () => desk.stop());
  const reread = () =>
    void desk
      .refresh()
      .catch((error: unknown) => log.warn('alarms of the installation could not be reread', { error }));
  const stopNotices = await listener.listen('healthsync_system_alarm', { onNotice: reread, onGap: reread });
  undo.push('notices of the installation', () => stopNotices());
  return desk;
}

/** A channel that was failing and is no longer configured will never deliver again, and so never be quiet by itself. */
function endAlarmsOfOthers(desk: SystemAlarmDesk, notifiers: readonly Notifier[]): void {
  const ours = new Set(notifiers.map(({ channel }) => failingId(channel)));
  for (const { id, rule } of desk.open()) if (rule === CHANNEL_FAILING && !ours.has(id)) desk.clear(id);
}

/** How much waits, read every ten seconds: for metrics, which cannot wait for a query. */
function pollTraffic(outbox: PostgresOutbox, undo: TellingParts['undo']): () => readonly ChannelTraffic[] {
  let last: readonly ChannelTraffic[] = [];
  const timer = setInterval(async () => {
    last = await outbox.traffic().catch(() => last);
  }, 10_000);
  timer.unref();
  undo.push('delivery counts', () => clearInterval(timer));
  return () => last;
}

async function nameOf(registry: Pick<Registry, 'findPatient'>, id: Alarm['patientId']): Promise<string | undefined> {
  const { givenName, familyName, isVip } = (await registry.findPatient(id)) ?? {};
  // Named to nobody beyond the house, by whatever channel.
  if (isVip === true) return undefined;
  const name = [givenName, familyName].filter((part) => part !== undefined).join(' ');
  return name === '' ? undefined : name;
}

function countOf(desk: SystemAlarmDesk): Readonly<Record<string, number>> {
  const counts = { high: 0, medium: 0, low: 0 };
  for (const { priority } of desk.open()) counts[priority]++;
  return counts;
}
