import { createHmac, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import type { AlarmAnswers, AnswerOutcome } from '../../ports/alarm-answers.ts';
import type { Log } from '../../telemetry/log.ts';
import { sendProblem } from '../problem.ts';
import { createReplayGuard } from './replay-guard.ts';

export interface SlackHook {
  /** The configured name; the address is `/hooks/slack/<channel>`. */
  readonly channel: string;
  /** "Signing Secret" of the Slack app, under "Basic Information". */
  readonly signingSecret: string;
  readonly answers: AlarmAnswers;
  /** Says something in the conversation; `slack-response.ts`, which knows where Slack's addresses may lead. */
  readonly respond: (url: string, body: object, signal: AbortSignal) => Promise<'sent' | 'refused' | 'failed'>;
  readonly log: Log;
  readonly now: () => number;
}

/**
 * Where Slack sends the press of a button (docs.slack.dev/interactivity/handling-user-interaction). Slack is answered at
 * once, since it gives up after three seconds and does not come again; what became of the press is told afterwards, in
 * the conversation, by the address that came with it.
 */
export function registerSlackHook(app: FastifyInstance, hook: SlackHook): void {
  const replays = createReplayGuard({ now: hook.now, forMs: 2 * SKEW_MAX_MS });
  const underWay = new Set<Promise<void>>();
  app.addHook('onClose', async () => void (await Promise.all(underWay)));

  app.register(async (scope) => {
    // The signature is over the bytes as they came.
    scope.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'buffer' }, (_request, body, done) =>
      done(null, body),
    );
    scope.post(
      `/hooks/slack/${hook.channel}`,
      { config: { public: true }, bodyLimit: BODY_MAX_BYTES },
      async (request, reply) => {
        const signature = signatureOf(request, hook);
        if (signature === undefined || !replays.isNew(signature))
          return sendProblem(reply, { status: 401, code: 'not-verified' });
        const press = pressOf(request.body as Buffer);
        if (press === 'malformed') return sendProblem(reply, { status: 400, code: 'malformed' });
        if (press !== undefined) {
          const telling = tell(hook, press).finally(() => underWay.delete(telling));
          underWay.add(telling);
        }
        return reply.code(200).send();
      },
    );
  });
}

/** docs.slack.dev/authentication/verifying-requests-from-slack: five minutes, against replays. */
const SKEW_MAX_MS = 300_000;
/** A press carries the message it was made on: 50 blocks at most, ours have three. */
const BODY_MAX_BYTES = 64 * 1024;

/** The signature, if it is Slack's and of now. */
function signatureOf(
  { headers, body }: FastifyRequest,
  { signingSecret, now }: Pick<SlackHook, 'signingSecret' | 'now'>,
): string | undefined {
  const seconds = headers['x-slack-request-timestamp'];
  const given = headers['x-slack-signature'];
  if (typeof seconds !== 'string' || typeof given !== 'string' || !Buffer.isBuffer(body)) return undefined;
  if (!/^\d{1,12}$/.test(seconds) || Math.abs(now() - Number(seconds) * 1_000) > SKEW_MAX_MS) return undefined;
  const expected = slackSignature(signingSecret, seconds, body);
  const isSame =
    given.length === expected.length && timingSafeEqual(Buffer.from(given, 'latin1'), Buffer.from(expected, 'latin1'));
  return isSame ? given : undefined;
}

export function slackSignature(signingSecret: string, seconds: string, body: Uint8Array): string {
  return `v0=${createHmac('sha256', signingSecret).update(`v0:${seconds}:`).update(body).digest('hex')}`;
}

/**
 * What we need of docs.slack.dev/reference/interaction-payloads/block_actions-payload. Slack adds to its payloads without
 * notice, so more than this is let be.
 */
const BlockActions = Compile(
  Type.Object({
    type: Type.Literal('block_actions'),
    user: Type.Object({ id: Type.String({ pattern: '^[A-Z0-9]{2,40}$' }) }),
    response_url: Type.Optional(Type.String({ maxLength: 1_000 })),
    message: Type.Optional(
      Type.Object({ blocks: Type.Optional(Type.Array(Type.Object({ type: Type.String() }), { maxItems: 50 })) }),
    ),
    actions: Type.Array(
      Type.Object({
        action_id: Type.String({ maxLength: 255 }),
        value: Type.Optional(Type.String({ maxLength: 2_000 })),
      }),
      { minItems: 1, maxItems: 25 },
    ),
  }),
);

interface Press {
  readonly token: string;
  readonly from: string;
  readonly responseUrl?: string;
  /** What the message says, without its buttons. */
  readonly blocks: readonly object[];
}

/** Undefined: a press of a button that only opens an address, which Slack reports all the same. */
function pressOf(body: Buffer): Press | 'malformed' | undefined {
  const payload = parsed(new URLSearchParams(body.toString()).get('payload'));
  if (!BlockActions.Check(payload)) return 'malformed';
  const pressed = payload.actions.find(({ action_id: id }) => id === 'healthsync_acknowledge');
  if (pressed === undefined) return undefined;
  if (pressed.value === undefined || pressed.value === '') return 'malformed';
  return {
    token: pressed.value,
    from: payload.user.id,
    ...(payload.response_url === undefined ? {} : { responseUrl: payload.response_url }),
    blocks: (payload.message?.blocks ?? []).filter(({ type }) => type === 'header' || type === 'section'),
  };
}

function parsed(text: string | null): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}

/** Slack answers within tens of milliseconds; a stop of ours waits no longer than this for it. */
const RESPONSE_MS = 5_000;

async function tell({ channel, answers, respond, log }: SlackHook, press: Press): Promise<void> {
  const { token, from, responseUrl, blocks } = press;
  let outcome: AnswerOutcome | { readonly kind: 'failed' };
  try {
    outcome = await answers.answer({ action: 'acknowledge', by: { token }, channel, from });
  } catch (error) {
    outcome = { kind: 'failed' };
    log.error('an answer from a channel could not be taken', { channel, error });
  }
  if (responseUrl === undefined) return;
  const sent = await respond(responseUrl, responseOf(outcome, blocks), AbortSignal.timeout(RESPONSE_MS));
  if (sent !== 'sent') log.warn('a channel did not take what became of an answer', { channel, state: sent });
}

/**
 * Taken: everyone in the conversation sees by whom, and the button is gone. Anything else concerns only the one who
 * pressed (docs.slack.dev/interactivity/handling-user-interaction#message_responses).
 */
function responseOf(outcome: AnswerOutcome | { readonly kind: 'failed' }, blocks: readonly object[]): object {
  if (outcome.kind === 'done' || outcome.kind === 'already') {
    const text = `${outcome.kind === 'done' ? 'Acknowledged by' : 'Already acknowledged by'} ${outcome.owner}`;
    const line = { type: 'context', elements: [{ type: 'plain_text', text: text.slice(0, 300), emoji: false }] };
    return { replace_original: true, text: escaped(text), blocks: [...blocks, line] };
  }
  return { response_type: 'ephemeral', replace_original: false, text: REFUSALS[outcome.kind] };
}

const REFUSALS = {
  'unknown-person':
    'Not acknowledged: your Slack account is not linked to a HealthSync account. Acknowledge on the wall.',
  'unknown-alarm': 'Not acknowledged: HealthSync does not know this alarm. Look at the wall.',
  expired: 'Not acknowledged: this message is too old. Look at the wall.',
  'not-allowed': 'Not acknowledged: your HealthSync account may not acknowledge this alarm.',
  failed: 'Not acknowledged: HealthSync could not take your answer. Acknowledge on the wall, or try again.',
} as const;

/** docs.slack.dev/messaging/formatting-message-text */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
