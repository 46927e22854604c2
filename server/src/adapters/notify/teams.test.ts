import { afterEach, describe, expect, it } from 'vitest';
import { type NotifierBench, notifierContract } from '../../ports/notifier.contract.ts';
import type { Notification } from '../../ports/notifier.ts';
import { createTeamsNotifier, type TeamsSettings } from './teams.ts';
import { type Card, failed, startTeamsConnector } from './test-teams-connector.ts';

const BOT = {
  appId: '11111111-2222-3333-4444-555555555555',
  appSecret: 'a-client-secret',
  tenantId: '99999999-8888-7777-6666-555555555555',
};
const PERSON = 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee';
const CHANNEL = '19:abcdef0123456789@thread.tacv2';

async function open(change: Partial<TeamsSettings> = {}) {
  const teams = await startTeamsConnector(BOT);
  const { serviceUrl, loginUrl, ca } = teams;
  const settings = { channel: 'teams', ...BOT, serviceUrl, loginUrl, ca, now: Date.now, ...change };
  return { teams, settings, notifier: createTeamsNotifier(settings) };
}

const wordsOf = ({ body }: Card) => body.map(({ inlines }) => inlines.map(({ text }) => text).join('')).join('\n');

for (const [what, recipient] of [
  ['a person', PERSON],
  ['a channel', CHANNEL],
] as const)
  notifierContract(`Teams, to ${what}`, async (): Promise<NotifierBench> => {
    const { teams, notifier } = await open();
    const cards = () => teams.posted.flatMap(({ activity }) => activity.attachments.map(({ content }) => content));
    return {
      notifier,
      recipient,
      behave: teams.behave,
      received: () => cards().map((card) => ({ content: wordsOf(card), idempotencyKey: card.body[0]?.id ?? '' })),
      retryAfterMs: 30_000,
      secrets: [BOT.appSecret, 'bot-token', 'words that'],
      disconnect: teams.close,
      close: teams.close,
    };
  });

describe('Teams', () => {
  let opened: Awaited<ReturnType<typeof open>> | undefined;
  const start = async (change?: Partial<TeamsSettings>) => {
    opened = await open(change);
    return opened;
  };
  afterEach(async () => {
    await opened?.teams.close();
    opened = undefined;
  });
  const message = (change: Partial<Notification> = {}): Notification => ({
    subject: 'High alarm, bed W3-01',
    text: 'High alarm, bed W3-01\nRaised 2026-11-22T03:04:05.000Z.\n',
    fields: {},
    recipient: PERSON,
    event: 'raised',
    alarm: { id: 'a1', priority: 'high', kind: 'physiological', raisedAtMs: 0 },
    ...change,
  });
  const options = (idempotencyKey = 'd1') => ({ idempotencyKey, signal: AbortSignal.timeout(20_000) });

  it('offers to acknowledge, with the token that an answer must bring back, and to open the wall', async () => {
    const { teams, notifier } = await start();
    await notifier.send(message({ answerToken: 'token-1', wallUrl: 'https://ward.example/' }), options());
    expect(teams.posted[0]?.activity).toMatchObject({
      importance: 'high',
      channelData: { notification: { alert: true } },
    });
    expect(teams.posted[0]?.activity.attachments[0]?.content.actions).toEqual([
      {
        type: 'Action.Execute',
        title: 'Acknowledge',
        verb: 'healthsync/acknowledge',
        style: 'positive',
        data: { answerToken: 'token-1', subject: 'High alarm, bed W3-01' },
      },
      { type: 'Action.OpenUrl', title: 'Open', url: 'https://ward.example/' },
    ]);
  });
  it('asks for the conversation with a person once, and for one token', async () => {
    const { teams, notifier } = await start();
    await Promise.all(['d1', 'd2', 'd3'].map((key) => notifier.send(message({ recipient: CHANNEL }), options(key))));
    for (const key of ['d4', 'd5']) await notifier.send(message(), options(key));
    expect(teams.posted).toHaveLength(5);
    expect(teams.state.tokens).toBe(1);
    expect(teams.requests.filter(({ path }) => path === '/teams/v3/conversations')).toHaveLength(4);
  });
  it.each([PERSON, CHANNEL, '19:meeting_abc@thread.v2'])(
    'what was posted to %s is changed in place',
    async (recipient) => {
      const { teams, notifier } = await start();
      const first = await notifier.send(message({ recipient, answerToken: 't' }), options());
      const earlierReceipt = first.kind === 'delivered' ? (first.receipt ?? '') : '';
      const taken = message({ recipient, event: 'acknowledged', subject: 'Taken', earlierReceipt, answerToken: 't' });
      expect(await notifier.send(taken, options('d2'))).toEqual(first);
      expect(teams.posted).toHaveLength(1);
      expect(JSON.stringify(teams.posted[0])).toContain('Taken');
      expect(JSON.stringify(teams.posted[0])).not.toMatch(/Action\.Execute|alert/);
    },
  );
  it('says it anew where what was posted is gone', async () => {
    const { teams, notifier } = await start();
    const outcome = await notifier.send(message({ event: 'resolved', earlierReceipt: `1 ${CHANNEL}` }), options());
    expect(outcome).toMatchObject({ kind: 'delivered' });
    expect(teams.posted).toHaveLength(1);
  });
  it('a reminder rings anew', async () => {
    const { teams, notifier } = await start();
    const first = await notifier.send(message({ answerToken: 't1' }), options());
    const earlierReceipt = first.kind === 'delivered' ? (first.receipt ?? '') : '';
    await notifier.send(message({ event: 'reminder', earlierReceipt, answerToken: 't2' }), options('d2'));
    expect(teams.posted.map((one) => JSON.stringify(one).includes('Action.Execute'))).toEqual([false, true]);
  });

  it('a token that was revoked before its time is replaced', async () => {
    const { teams, notifier } = await start();
    await notifier.send(message(), options());
    teams.state.valid = 'another';
    expect(await notifier.send(message(), options('d2'))).toMatchObject({ kind: 'delivered' });
    expect(teams.state.tokens).toBe(2);
  });
  it('a token is renewed before it ends', async () => {
    const clock = { ms: Date.now() };
    const { teams, notifier } = await start({ now: () => clock.ms });
    await notifier.send(message(), options());
    clock.ms += 56 * 60_000;
    await notifier.send(message(), options('d2'));
    expect(teams.state.tokens).toBe(2);
  });
  it('a wrong secret is ours to put right: the message waits', async () => {
    const { teams, notifier } = await start({ appSecret: 'wrong' });
    expect(await notifier.send(message(), options())).toEqual({ kind: 'transient', reason: 'sign-in: invalid_client' });
    expect(teams.posted).toEqual([]);
  });
  it.each([
    [400, 'BadSyntax', 'permanent'],
    [403, 'ForbiddenOperationException', 'permanent'],
    [404, 'ConversationNotFound', 'permanent'],
    [413, 'MessageSizeTooBig', 'permanent'],
    [401, 'Unauthorized', 'transient'],
    [412, 'PreconditionFailed', 'transient'],
    [429, 'Throttled', 'transient'],
    [502, 'BadGateway', 'transient'],
  ])('%d %s is %s', async (status, code, kind) => {
    const { teams, notifier } = await start();
    teams.state.error = failed(status, code);
    expect(await notifier.send(message(), options())).toEqual({ kind, reason: `HTTP ${status} ${code}` });
  });
  it.each(['nobody', '../v3/conversations', 'https://example.org', `${CHANNEL}/x`])(
    'a recipient that is none, %s, reaches nobody',
    async (recipient) => {
      const { teams, notifier } = await start();
      const outcome = { kind: 'permanent', reason: 'no such recipient' };
      expect(await notifier.send(message({ recipient }), options())).toEqual(outcome);
      expect(teams.requests).toEqual([]);
    },
  );
  it('a text beyond Teams’ limits is cut', async () => {
    const { notifier } = await start();
    const text = '🛏'.repeat(3_000);
    const long = message({ subject: text, text: `${text}\n`.repeat(100), answerToken: 't' });
    expect(await notifier.send(long, options())).toMatchObject({ kind: 'delivered' });
  });
  it('sends nothing, and no secret, to a server whose certificate is not trusted', async () => {
    const { teams, settings } = await start();
    const { ca: _, ...untrusting } = settings;
    expect(await createTeamsNotifier(untrusting).send(message(), options())).toMatchObject({ kind: 'transient' });
    expect(teams.requests).toEqual([]);
  });
});
