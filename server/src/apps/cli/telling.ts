import type { Command } from 'commander';
import type { Priority } from '../../domain/alarm.ts';
import { CHANNEL_TRAITS, CHANNEL_TYPES } from '../../domain/channel.ts';
import { parseContactAddress } from '../../domain/contact-address.ts';
import type { UserId } from '../../domain/ids.ts';
import { parseTopic, type Subscriber, topicName } from '../../domain/topic.ts';
import { scriptUser } from '../../identity/users.ts';
import type { User } from '../../ports/accounts.ts';
import type { Contact } from '../../ports/contacts.ts';
import type { StoredSubscription } from '../../ports/topic-subscriptions.ts';
import type { OpenData } from '../open-data.ts';
import { callServer, parsed } from './call-server.ts';
import {
  type Answer,
  addCommand,
  type CommandContext,
  Misuse,
  Refusal,
  required,
  withExistingData,
} from './command.ts';

/** `healthsync topic …`, `contact …` and `channel …`: who is told of what, where, and whether it works. */
export function register(program: Command, context: CommandContext): void {
  const topics = program.command('topic').description('who is told of what');
  addCommand<[], object>(
    topics,
    {
      usage: 'list',
      description: 'subscriptions made in the app; those of the settings are in the settings',
      run: list,
    },
    context,
  );
  addCommand<[string], SubscribeOptions>(
    topics,
    {
      usage: 'subscribe <topic>',
      description: 'such as alarms.high.W3: a person, by their verified contacts, or an endpoint',
      configure: (command) =>
        command
          .option('--user <name>', 'a person')
          .option('--channel <name>', 'or an endpoint: its channel')
          .option('--recipient <text>', 'and where it leads there')
          .option('--min-priority <priority>', 'only what is at least this urgent'),
      run: subscribe,
    },
    context,
  );
  addCommand<[string], object>(
    topics,
    {
      usage: 'unsubscribe <id>',
      description: 'end a subscription, by the id that "topic list" shows',
      run: unsubscribe,
    },
    context,
  );

  const contacts = program.command('contact').description('where people can be reached');
  addCommand<[string], object>(
    contacts,
    { usage: 'list <user>', description: 'of one person', run: listContacts },
    context,
  );
  addCommand<[string, string, string], ContactOptions>(
    contacts,
    {
      usage: 'put <user> <channel> <address>',
      description: 'add one; it is used once its person has confirmed the code, or you vouch for it',
      configure: (command) =>
        command
          .option('--vouched', 'you know that the address is theirs: no code is needed')
          .option('--min-priority <priority>', 'told only of alarms at least this urgent'),
      run: putContact,
    },
    context,
  );
  addCommand<[string, string, string], object>(
    contacts,
    { usage: 'remove <user> <channel> <address>', description: 'nothing is sent there any more', run: removeContact },
    context,
  );

  const channels = program.command('channel').description('the ways out of the house');
  addCommand<[string, string], object>(
    channels,
    {
      usage: 'test <channel> <endpoint>',
      description: 'send a message that says it is a test, through the running server, and show what became of it',
      run: test,
    },
    context,
  );
}

interface SubscribeOptions {
  readonly user?: string;
  readonly channel?: string;
  readonly recipient?: string;
  readonly minPriority?: string;
}

async function list(context: CommandContext): Promise<Answer> {
  return withExistingData(context, async ({ topics, accounts }) => {
    const users = await accounts.users();
    const shown = (await topics.list()).map((each) => shownSubscription(each, users));
    const lines = shown.map(({ id, topic, subscriber, minPriority }) =>
      `${id} ${topic.padEnd(20)} ${subscriber}${minPriority === undefined ? '' : `, from ${minPriority} on`}`.trimEnd(),
    );
    return { json: { subscriptions: shown }, text: lines.join('\n') || 'None.' };
  });
}

async function subscribe(context: CommandContext, options: SubscribeOptions, text: string): Promise<Answer> {
  const topic = required('<topic>', parseTopic(text), 'expected something like alarms.high.W3, technical, system');
  const minPriority = priorityOf(options.minPriority);
  return withExistingData(context, async (data) => {
    const subscriber = await subscriberOf(options, data);
    const stored = await data.topics.put({
      topic,
      subscriber,
      ...minPriority,
      by: 'command line',
      atMs: context.now(),
    });
    const shown = shownSubscription(stored, await data.accounts.users());
    return { json: shown, text: `${shown.subscriber} is told of ${shown.topic} (${shown.id}).` };
  });
}

async function subscriberOf({ user, channel, recipient }: SubscribeOptions, data: OpenData): Promise<Subscriber> {
  if (user !== undefined) {
    if (channel !== undefined || recipient !== undefined)
      throw new Misuse('--user', 'a person or an endpoint, not both');
    return { kind: 'user', userId: (await findUser(data, user)).id };
  }
  if (channel === undefined) throw new Misuse('--user', 'a person, or an endpoint by --channel and --recipient');
  if (recipient === undefined) throw new Misuse('--recipient', 'is needed with --channel');
  return { kind: 'endpoint', channel, recipient };
}

async function unsubscribe(context: CommandContext, _: object, id: string): Promise<Answer> {
  return withExistingData(context, async ({ topics }) => {
    if (!(await topics.remove(id, { by: 'command line', atMs: context.now() })))
      throw new Misuse('<id>', 'there is no such subscription');
    return { json: { removed: id }, text: `${id} is ended.` };
  });
}

interface ContactOptions {
  readonly vouched?: boolean;
  readonly minPriority?: string;
}

async function listContacts(context: CommandContext, _: object, name: string): Promise<Answer> {
  return withExistingData(context, async (data) => {
    const found = await data.contacts.ofUser((await findUser(data, name)).id);
    return { json: { contacts: found.map(shownContact) }, text: found.map(contactLine).join('\n') || 'None.' };
  });
}

async function putContact(
  context: CommandContext,
  options: ContactOptions,
  name: string,
  channel: string,
  text: string,
): Promise<Answer> {
  const minPriority = priorityOf(options.minPriority);
  return withExistingData(context, async (data) => {
    const { id: userId } = await findUser(data, name);
    const contact = { userId, channel, address: addressOf(channel, text, userId) };
    const atMs = context.now();
    if ((await data.contacts.put({ ...contact, ...minPriority, changedBy: 'command line', atMs })) === 'too-many')
      throw new Refusal('<user>: has as many contacts as one person may have');
    if (options.vouched === true && (await data.contacts.vouch({ ...contact, by: 'admin', atMs })) === 'taken')
      throw new Refusal('<address>: somebody else has verified it');
    const stored = (await data.contacts.ofUser(userId)).find(
      (each) => each.channel === channel && each.address === contact.address,
    );
    if (stored === undefined) throw new Refusal('<address>: was removed meanwhile');
    return { json: shownContact(stored), text: contactLine(stored) };
  });
}

async function removeContact(
  context: CommandContext,
  _: object,
  name: string,
  channel: string,
  text: string,
): Promise<Answer> {
  return withExistingData(context, async (data) => {
    const { id: userId } = await findUser(data, name);
    const contact = { userId, channel, address: addressOf(channel, text, userId) };
    if (!(await data.contacts.remove({ ...contact, changedBy: 'command line', atMs: context.now() })))
      throw new Misuse('<address>', 'is not among them');
    return { json: { removed: true }, text: `${channel}: nothing is sent there any more.` };
  });
}

async function test(context: CommandContext, _: object, channel: string, endpoint: string): Promise<Answer> {
  const settings = context.settings();
  return withExistingData(context, async ({ accounts }) => {
    const reply = await callServer(context, settings, accounts, {
      path: `/api/channels/${encodeURIComponent(channel)}/test`,
      as: await scriptUser(accounts, 'operator'),
      body: { endpoint },
    });
    const answer = parsed(reply.body) as { outcome?: string; receipt?: string; reason?: string; detail?: string };
    if (reply.status === 404) throw new Misuse('<channel>', 'no such channel, or it has no such endpoint');
    if (reply.status !== 200) throw new Refusal(answer.detail ?? `the server answered ${reply.status}`);
    const text = `${channel}: ${answer.outcome} ${answer.receipt ?? answer.reason ?? ''}`.trimEnd();
    return { json: answer, text, failed: answer.outcome !== 'delivered' };
  });
}

async function findUser({ accounts }: OpenData, name: string): Promise<User> {
  const user = await accounts.findUser(name.toLowerCase());
  if (user === undefined || user.disabledAtMs !== undefined) throw new Misuse('<user>', 'there is no such account');
  return user;
}

/** Channels are named as their type, where they reach people. */
function addressOf(channel: string, text: string, userId: UserId): string {
  const type = CHANNEL_TYPES.find((each) => each === channel);
  const traits = type === undefined ? undefined : CHANNEL_TRAITS[type].contact;
  if (type === undefined || traits === undefined) throw new Misuse('<channel>', 'no channel that reaches a person');
  if (type === 'web-push') return userId;
  return required('<address>', parseContactAddress(type, text), `expected something like ${traits.addressHint}`);
}

function priorityOf(text: string | undefined): { readonly minPriority?: Priority } {
  if (text === undefined) return {};
  if (text !== 'high' && text !== 'medium' && text !== 'low')
    throw new Misuse('--min-priority', 'expected high, medium or low');
  return { minPriority: text };
}

/** Scripts read these fields. */
function shownSubscription(stored: StoredSubscription, users: readonly User[]) {
  const { id, topic, subscriber, minPriority } = stored;
  const name = subscriber.kind === 'user' ? users.find((user) => user.id === subscriber.userId)?.name : undefined;
  return {
    id,
    topic: topicName(topic),
    subscriber:
      subscriber.kind === 'user' ? (name ?? subscriber.userId) : `${subscriber.channel} ${subscriber.recipient}`,
    ...(minPriority === undefined ? {} : { minPriority }),
  };
}

function shownContact({ userId: _, ...contact }: Contact) {
  return contact;
}

function contactLine({ channel, address, verified, verifiedBy, minPriority }: Contact): string {
  const from = minPriority === undefined ? '' : `, from ${minPriority} on`;
  return `${channel.padEnd(10)} ${address}  ${verified ? `verified (${verifiedBy})` : 'not verified'}${from}`;
}
