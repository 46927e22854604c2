import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import type { AlarmAnswers, AnswerOutcome } from '../../ports/alarm-answers.ts';
import type { Log } from '../../telemetry/log.ts';
import { sendProblem } from '../problem.ts';
import { type SigningKey, type VerifiedSender, verifyBotFrameworkToken } from './bot-framework-token.ts';
import { createReplayGuard } from './replay-guard.ts';

export interface TeamsHook {
  /** The configured name; the messaging endpoint of the bot is `/hooks/teams/<channel>`. */
  readonly channel: string;
  /** Application (client) id of the bot. */
  readonly appId: string;
  /** The directory whose people may answer: an object id means somebody else in another. */
  readonly tenantId: string;
  /** `teams-signing-keys.ts`; rejects while Microsoft's keys cannot be had. */
  readonly keyOf: (kid: string) => Promise<SigningKey | undefined>;
  readonly answers: AlarmAnswers;
  readonly log: Log;
  readonly now: () => number;
}

/**
 * Where the Bot Connector sends what happens in Teams. Only the press of our button means anything (Universal Actions,
 * learn.microsoft.com/adaptive-cards/authoring-cards/universal-action-model): it is answered with the card that takes the
 * place of the pressed one, or with words for the one who pressed.
 */
export function registerTeamsHook(app: FastifyInstance, hook: TeamsHook): void {
  const replays = createReplayGuard({ now: hook.now, forMs: TOKEN_LIFE_MS });
  const senders = new WeakMap<FastifyRequest, VerifiedSender>();

  app.post(
    `/hooks/teams/${hook.channel}`,
    {
      config: { public: true },
      bodyLimit: BODY_MAX_BYTES,
      // Before the body is read: nobody else's is worth it.
      onRequest: async (request, reply) => {
        const sender = await verified(request, hook);
        if (sender === 'unknown') return sendProblem(reply, { status: 503, code: 'not-now', retryAfterMs: 10_000 });
        if (sender === undefined) return refuse(reply);
        senders.set(request, sender);
      },
    },
    async (request, reply) => {
      const activity = request.body;
      if (!Envelope.Check(activity)) return sendProblem(reply, { status: 400, code: 'malformed' });
      if (activity.serviceUrl !== senders.get(request)?.serviceUrl) return refuse(reply);
      if (tenantOf(activity) !== hook.tenantId) return refuse(reply);
      if (activity.type !== 'invoke' || activity.name !== 'adaptiveCard/action') return reply.code(200).send();
      if (!Press.Check(activity)) return sendProblem(reply, { status: 400, code: 'malformed' });
      // A press of its own has an id of its own.
      if (!replays.isNew(`${activity.conversation.id} ${activity.id}`)) return refuse(reply);
      const { data } = activity.value.action;
      return reply.send(
        responseOf(await answerOf(hook, data.answerToken, activity.from.aadObjectId), data.subject ?? 'Alarm'),
      );
    },
  );
}

/** Tokens of the connector are good for about an hour, and with them what they were sent with. */
const TOKEN_LIFE_MS = 2 * 3_600_000;
/** A press carries its data, not the card. */
const BODY_MAX_BYTES = 64 * 1024;

/** What every activity has that we need before we believe it. More than this is let be: Teams adds without notice. */
const envelope = {
  type: Type.String({ maxLength: 100 }),
  name: Type.Optional(Type.String({ maxLength: 100 })),
  channelId: Type.Literal('msteams'),
  serviceUrl: Type.String({ maxLength: 500 }),
  conversation: Type.Object({
    id: Type.String({ minLength: 1, maxLength: 500 }),
    tenantId: Type.Optional(Type.String({ maxLength: 100 })),
  }),
  channelData: Type.Optional(
    Type.Object({ tenant: Type.Optional(Type.Object({ id: Type.Optional(Type.String({ maxLength: 100 })) })) }),
  ),
};
const Envelope = Compile(Type.Object(envelope));
const Press = Compile(
  Type.Object({
    ...envelope,
    id: Type.String({ minLength: 1, maxLength: 200 }),
    from: Type.Object({ aadObjectId: Type.String({ pattern: '^[0-9a-fA-F-]{36}$' }) }),
    value: Type.Object({
      action: Type.Object({
        type: Type.Literal('Action.Execute'),
        verb: Type.Literal('healthsync/acknowledge'),
        data: Type.Object({
          answerToken: Type.String({ minLength: 1, maxLength: 2_000 }),
          subject: Type.Optional(Type.String({ maxLength: 200 })),
        }),
      }),
    }),
  }),
);

async function verified(request: FastifyRequest, hook: TeamsHook): Promise<VerifiedSender | 'unknown' | undefined> {
  try {
    return await verifyBotFrameworkToken(request.headers.authorization, hook);
  } catch (error) {
    hook.log.warn('the signing keys of the Bot Framework could not be had', { channel: hook.channel, error });
    return 'unknown';
  }
}

/** Whatever is wrong, it is nobody's business. */
function refuse(reply: FastifyReply): FastifyReply {
  return sendProblem(reply, { status: 401, code: 'not-verified' });
}

function tenantOf(activity: {
  readonly conversation: { readonly tenantId?: string };
  readonly channelData?: { readonly tenant?: { readonly id?: string } };
}): string | undefined {
  return activity.conversation.tenantId ?? activity.channelData?.tenant?.id;
}

/** Teams waits ten seconds and more; a person does not. */
const ANSWER_MS = 5_000;

type Answered = AnswerOutcome | { readonly kind: 'failed' };

async function answerOf({ answers, channel, log }: TeamsHook, token: string, from: string): Promise<Answered> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const tooLong = new Promise<Answered>((resolve) => {
    timer = setTimeout(() => resolve({ kind: 'failed' }), ANSWER_MS);
  });
  const answering = answers
    .answer({ action: 'acknowledge', by: { token }, channel, from: from.toLowerCase() })
    .catch((error: unknown): Answered => {
      log.error('an answer from a channel could not be taken', { channel, error });
      return { kind: 'failed' };
    });
  return Promise.race([answering, tooLong]).finally(() => clearTimeout(timer));
}

/** learn.microsoft.com/adaptive-cards/authoring-cards/universal-action-model#response-format */
function responseOf(answered: Answered, subject: string): object {
  if (answered.kind !== 'done' && answered.kind !== 'already')
    return { statusCode: 200, type: 'application/vnd.microsoft.activity.message', value: REFUSALS[answered.kind] };
  const who = `${answered.kind === 'done' ? 'Acknowledged by' : 'Already acknowledged by'} ${answered.owner}`;
  return {
    statusCode: 200,
    type: 'application/vnd.microsoft.card.adaptive',
    value: {
      type: 'AdaptiveCard',
      $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
      version: '1.5',
      body: [line(subject, { size: 'Large', weight: 'Bolder', color: 'Good' }), line(who, {})],
    },
  };
}

function line(text: string, run: object) {
  return { type: 'RichTextBlock', inlines: [{ type: 'TextRun', text, ...run }] };
}

const REFUSALS = {
  'unknown-person': 'Not acknowledged: your account is not linked to a HealthSync account. Acknowledge on the wall.',
  'unknown-alarm': 'Not acknowledged: HealthSync does not know this alarm. Look at the wall.',
  expired: 'Not acknowledged: this message is too old. Look at the wall.',
  'not-allowed': 'Not acknowledged: your HealthSync account may not acknowledge this alarm.',
  failed: 'HealthSync could not take your answer in time. Look at the wall, or try again.',
} as const;
