import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { describe, expect, it } from 'vitest';
import { type NotifierBench, notifierContract } from '../../ports/notifier.contract.ts';
import { createTeamsWorkflowNotifier } from './teams-workflow.ts';
import { Card } from './test-teams-connector.ts';
import { startVendor } from './test-vendor.ts';

const closed = { additionalProperties: false } as const;
/** learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook, "send Adaptive Cards". */
const Posted = Compile(
  Type.Object(
    {
      type: Type.Literal('message'),
      attachments: Type.Array(
        Type.Object(
          {
            contentType: Type.Literal('application/vnd.microsoft.card.adaptive'),
            contentUrl: Type.Null(),
            content: Card,
          },
          closed,
        ),
        { minItems: 1, maxItems: 1 },
      ),
    },
    closed,
  ),
);
const PATH = '/workflows/0123/triggers/manual/paths/invoke';
const SIGNATURE = 'a-signature-that-opens';

async function open() {
  const cards: Card[] = [];
  const vendor = await startVendor({
    answer({ method, path, query, headers, body }) {
      if (method !== 'POST' || path !== PATH || query.get('sig') !== SIGNATURE)
        return { status: 401, body: { error: { code: 'DirectApiAuthorizationRequired' } } };
      const value: unknown = JSON.parse(body.toString());
      if (headers['content-type'] !== 'application/json' || !Posted.Check(value)) return { status: 400 };
      cards.push(...value.attachments.map(({ content }) => content));
      return { status: 202 };
    },
    unwell: { refuse: { status: 404, body: { error: { code: 'WorkflowNotFound' } } } },
  });
  const workflows = new Map([
    ['ward-3', new URL(`${vendor.url.origin}${PATH}?api-version=2016-06-01&sig=${SIGNATURE}`)],
  ]);
  const notifier = createTeamsWorkflowNotifier({ channel: 'teams', workflows, ca: vendor.ca, now: Date.now });
  return { vendor, cards, notifier };
}

notifierContract('a Teams workflow', async (): Promise<NotifierBench> => {
  const { vendor, cards, notifier } = await open();
  return {
    notifier,
    recipient: 'ward-3',
    behave: vendor.behave,
    received: () =>
      cards.map(({ body }) => ({
        content: body.flatMap(({ inlines }) => inlines.map(({ text }) => text)).join('\n'),
        idempotencyKey: body[0]?.id ?? '',
      })),
    retryAfterMs: 30_000,
    secrets: [SIGNATURE, PATH],
    disconnect: vendor.close,
    close: vendor.close,
  };
});

describe('a Teams workflow', () => {
  it('leads to the wall, and offers no button that nobody would hear', async () => {
    const { vendor, cards, notifier } = await open();
    const message = { subject: 's', text: 't', fields: {}, event: 'raised', answerToken: 'token' } as const;
    const options = { idempotencyKey: 'd1', signal: AbortSignal.timeout(20_000) };
    await notifier.send({ ...message, recipient: 'ward-3', wallUrl: 'https://ward.example/' }, options);
    expect(cards[0]?.actions).toEqual([{ type: 'Action.OpenUrl', title: 'Open', url: 'https://ward.example/' }]);
    expect(JSON.stringify(cards)).not.toContain('token');
    const elsewhere = await notifier.send({ ...message, recipient: 'ward-4' }, options);
    expect(elsewhere).toEqual({ kind: 'permanent', reason: 'no such workflow' });
    await vendor.close();
  });
});
