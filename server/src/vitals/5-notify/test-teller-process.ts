import { createSmtpNotifier, type SmtpSettings } from '../../adapters/notify/smtp.ts';
import { connect, type DatabaseAddress } from '../../adapters/postgres/connection.ts';
import { PostgresOutbox } from '../../adapters/postgres/outbox.ts';
import type { Outbox } from '../../ports/outbox.ts';
import { createChannelWatch } from './channel-watch.ts';
import { startTeller } from './teller.ts';

/**
 * A process that runs nothing but a teller, to be killed. Its argument: where the database and the mail server are, and
 * whether it stops between a mail that was taken and its record.
 */
const { address, smtp, hangs } = JSON.parse(process.argv[2] ?? '{}') as {
  readonly address: DatabaseAddress;
  readonly smtp: SmtpSettings;
  readonly hangs: boolean;
};
const outbox = new PostgresOutbox(connect(address, { connectionsMax: 2 }));
const record: Outbox['record'] = async (result) => {
  process.stdout.write(`${result.outcome.kind}\n`);
  if (hangs) await new Promise(() => setInterval(() => undefined, 1_000));
  await outbox.record(result);
};
startTeller({
  outbox: new Proxy(outbox, {
    get: (target, name) => (name === 'record' ? record : Reflect.get(target, name).bind(target)),
  }),
  notifiers: [createSmtpNotifier(smtp)],
  subscribers: async () => ({
    subscriptions: [
      {
        id: 's',
        topic: { class: 'alarms' },
        subscriber: { kind: 'endpoint', channel: 'smtp', recipient: 'ward@hospital.example' },
      },
    ],
    people: new Map(),
  }),
  policies: async () => new Map(),
  sources: { placeOf: () => ({ bed: 'W3-01' }) },
  watch: createChannelWatch({
    channels: ['smtp'],
    systemAlarms: { raise: () => undefined, clear: () => undefined },
    now: Date.now,
  }),
  now: Date.now,
  monotonicMs: () => performance.now(),
  random: Math.random,
  // So that a test need not wait a minute for the lease of a process that is dead.
  settings: { pollMs: 20, leaseMs: 1_500 },
});
