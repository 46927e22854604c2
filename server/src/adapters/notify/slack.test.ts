import { afterEach, describe, expect, it } from 'vitest';
import { type NotifierBench, notifierContract } from '../../ports/notifier.contract.ts';
import type { Notification } from '../../ports/notifier.ts';
import { createSlackNotifier, type SlackSettings } from './slack.ts';
import { startSlackApi } from './test-slack-api.ts';

const TOKEN = 'xoxb-1234-secret';
const RECIPIENT = 'C0WARD3';

async function open(change: Partial<SlackSettings> = {}) {
  const slack = await startSlackApi(TOKEN);
  const { apiUrl, ca } = slack;
  const settings = { channel: 'slack-icu', botToken: TOKEN, apiUrl, ca, now: Date.now, ...change };
  return { slack, settings, notifier: createSlackNotifier(settings) };
}

notifierContract('Slack', async (): Promise<NotifierBench> => {
  const { slack, notifier } = await open();
  return {
    notifier,
    recipient: RECIPIENT,
    behave: slack.behave,
    received: () =>
      slack.messages.map((message) => ({
        content: message.blocks.flatMap((block) => ('text' in block ? [block.text.text] : [])).join('\n'),
        idempotencyKey: JSON.stringify(message.metadata?.event_payload),
      })),
    retryAfterMs: 30_000,
    secrets: [TOKEN],
    disconnect: slack.close,
    close: slack.close,
  };
});

describe('Slack', () => {
  let opened: Awaited<ReturnType<typeof open>> | undefined;
  const start = async (change?: Partial<SlackSettings>) => {
    opened = await open(change);
    return opened;
  };
  afterEach(async () => {
    await opened?.slack.close();
    opened = undefined;
  });
  const message = (change: Partial<Notification> = {}): Notification => ({
    subject: 'High alarm, bed W3-01',
    text: 'High alarm, bed W3-01\nRaised 2026-11-22T03:04:05.000Z.\n',
    fields: {},
    recipient: RECIPIENT,
    event: 'raised',
    alarm: { id: 'a1', priority: 'high', kind: 'physiological', raisedAtMs: 0 },
    ...change,
  });
  const options = (idempotencyKey = 'd1', ms = 20_000) => ({ idempotencyKey, signal: AbortSignal.timeout(ms) });

  it('offers to acknowledge, with the token that an answer must bring back, and to open the wall', async () => {
    const { slack, notifier } = await start();
    await notifier.send(message({ answerToken: 'token-1', wallUrl: 'https://ward.example/' }), options());
    expect(slack.messages[0]?.blocks.find(({ type }) => type === 'actions')).toMatchObject({
      elements: [
        { action_id: 'healthsync_acknowledge', value: 'token-1' },
        { action_id: 'healthsync_open', url: 'https://ward.example/' },
      ],
    });
  });
  it('offers nothing where the policy allows no answer', async () => {
    const { slack, notifier } = await start();
    await notifier.send(message(), options());
    expect(slack.messages[0]?.blocks.map(({ type }) => type)).toEqual(['header', 'section']);
  });
  it.each(['acknowledged', 'ended', 'resolved'] as const)('%s takes the place of the first message', async (event) => {
    const { slack, notifier } = await start();
    const first = await notifier.send(message({ answerToken: 't' }), options());
    expect(first).toEqual({ kind: 'delivered', receipt: 'C0WARD3:1764000000.000100' });
    const earlierReceipt = first.kind === 'delivered' ? (first.receipt ?? '') : '';
    const second = await notifier.send(message({ event, subject: 'Over', earlierReceipt }), options('d2'));
    expect(second).toEqual(first);
    expect(slack.messages).toHaveLength(1);
    expect(JSON.stringify(slack.messages[0])).toContain('Over');
    expect(JSON.stringify(slack.messages[0])).not.toContain('healthsync_acknowledge');
  });
  it.each(['worsened', 'reminder', 'escalated', 'returned'] as const)('%s rings anew', async (event) => {
    const { slack, notifier } = await start();
    const earlierReceipt = 'C0WARD3:1764000000.000100';
    await notifier.send(message({ answerToken: 't1' }), options());
    const again = await notifier.send(message({ event, earlierReceipt, answerToken: 't2' }), options('d2'));
    expect(again).toMatchObject({ receipt: 'C0WARD3:1764000001.000100' });
    expect(slack.messages).toHaveLength(2);
    // One button is enough: the older message has none any more.
    expect(slack.messages.map((one) => JSON.stringify(one).includes('healthsync_acknowledge'))).toEqual([false, true]);
  });
  it.each(['C0WARD3:1763000000.000100', 'nonsense'])('says it anew where %s cannot be changed', async (receipt) => {
    const { slack, notifier } = await start();
    const outcome = await notifier.send(message({ event: 'resolved', earlierReceipt: receipt }), options());
    expect(outcome).toMatchObject({ kind: 'delivered' });
    expect(slack.messages).toHaveLength(1);
  });
  it('a message to a person is changed in the conversation it landed in', async () => {
    const { slack, notifier } = await start();
    const first = await notifier.send(message({ recipient: 'U0NURSE' }), options());
    expect(first).toMatchObject({ receipt: 'D0NURSE:1764000000.000100' });
    const earlierReceipt = first.kind === 'delivered' ? (first.receipt ?? '') : '';
    await notifier.send(message({ recipient: 'U0NURSE', event: 'resolved', earlierReceipt }), options('d2'));
    expect(slack.messages[0]?.channel).toBe('D0NURSE');
  });

  it('a message that arrived although its answer was lost is not sent again', async () => {
    const { slack, notifier } = await start();
    slack.behave('reset');
    expect(await notifier.send(message(), options())).toMatchObject({ kind: 'transient' });
    expect(slack.messages).toHaveLength(1);
    slack.behave('accept');
    expect(await notifier.send(message(), options())).toEqual({
      kind: 'delivered',
      receipt: 'C0WARD3:1764000000.000100',
    });
    expect(slack.messages).toHaveLength(1);
  });
  it('nor is one to a person, where an earlier message showed which conversation to look in', async () => {
    const { slack, notifier } = await start();
    await notifier.send(message({ recipient: 'U0NURSE' }), options());
    slack.behave('reset');
    await notifier.send(message({ recipient: 'U0NURSE' }), options('d2'));
    slack.behave('accept');
    expect(await notifier.send(message({ recipient: 'U0NURSE' }), options('d2'))).toMatchObject({
      receipt: 'D0NURSE:1764000001.000100',
    });
    expect(slack.messages).toHaveLength(2);
  });
  it('without leave to look, it is rather told twice than not at all', async () => {
    const { slack, notifier } = await start();
    slack.state.mayRead = false;
    slack.behave('reset');
    await notifier.send(message(), options());
    slack.behave('accept');
    expect(await notifier.send(message(), options())).toMatchObject({ kind: 'delivered' });
    expect(slack.messages).toHaveLength(2);
  });
  it('does not search where nothing can have arrived', async () => {
    const { slack, notifier } = await start();
    slack.behave('limited');
    await notifier.send(message(), options());
    slack.behave('accept');
    await notifier.send(message(), options());
    expect(slack.methods()).toEqual(['chat.postMessage', 'chat.postMessage']);
  });

  it.each([
    ['channel_not_found', 'permanent'],
    ['not_in_channel', 'permanent'],
    ['is_archived', 'permanent'],
    ['msg_too_long', 'permanent'],
    ['invalid_blocks', 'permanent'],
    ['invalid_auth', 'transient'],
    ['token_revoked', 'transient'],
    ['missing_scope', 'transient'],
    ['fatal_error', 'transient'],
    ['ratelimited', 'transient'],
    ['something_new', 'transient'],
  ])('%s is %s', async (error, kind) => {
    const { slack, notifier } = await start();
    slack.state.error = error;
    expect(await notifier.send(message(), options())).toEqual({ kind, reason: error });
  });
  it.each([
    ['no JSON', { status: 200, body: '<html>' }],
    ['an empty answer', { status: 200, body: '' }],
    ['null', { status: 200, body: 'null' }],
    ['a yes that does not say what it made', { status: 200, body: { ok: true } }],
    ['a yes of another kind', { status: 200, body: { ok: 'true', channel: 1, ts: {} } }],
    ['an answer without an end', { status: 200, body: 'x'.repeat(3_000_000) }],
    ['a redirect', { status: 302, headers: { location: 'https://example.org/' } }],
  ])('%s is no delivery', async (_what, odd) => {
    const { slack, notifier } = await start();
    slack.state.odd = odd;
    for (const _attempt of ['first', 'second']) {
      const outcome = await notifier.send(message(), options());
      expect(outcome).toEqual({ kind: odd.status === 302 ? 'permanent' : 'transient', reason: `HTTP ${odd.status}` });
    }
    slack.state.odd = undefined;
    expect(await notifier.send(message(), options())).toMatchObject({ kind: 'delivered' });
  });
  it.each([null, 'x', [null, 1, { ts: 1 }, { ts: '1', metadata: null }]])(
    'a list of messages that is none, %j, hides nothing and stops nothing',
    async (messages) => {
      const { slack, notifier } = await start();
      slack.behave('reset');
      await notifier.send(message(), options());
      slack.behave('accept');
      slack.state.history = messages;
      expect(await notifier.send(message(), options())).toMatchObject({ kind: 'delivered' });
    },
  );
  it('the other side’s words are not passed on', async () => {
    const { slack, notifier } = await start();
    slack.state.error = `no channel ${RECIPIENT} for ${TOKEN}`;
    expect(await notifier.send(message(), options())).toEqual({ kind: 'transient', reason: 'refused' });
  });
  it('sends nothing, and no token, to a server whose certificate is not trusted', async () => {
    const { slack, settings } = await start();
    const { ca: _, ...untrusting } = settings;
    const outcome = await createSlackNotifier(untrusting).send(message(), options());
    expect(outcome).toMatchObject({ kind: 'transient' });
    expect(slack.requests).toEqual([]);
  });
  it('a text beyond Slack’s limits is cut, and markup in it stays text', async () => {
    const { slack, notifier } = await start();
    const outcome = await notifier.send(
      message({ subject: `<!channel> ${'s'.repeat(400)}`, text: 't'.repeat(5_000) }),
      options(),
    );
    expect(outcome).toMatchObject({ kind: 'delivered' });
    expect(slack.messages[0]?.text).toMatch(/^&lt;!channel&gt; s/);
    expect(slack.messages[0]?.blocks[0]).toMatchObject({ type: 'header', text: { type: 'plain_text' } });
  });
});
