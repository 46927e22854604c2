import { createHmac, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import type { AlarmAnswers } from '../../ports/alarm-answers.ts';
import type { Log } from '../../telemetry/log.ts';
import { sendProblem } from '../problem.ts';
import { createReplayGuard } from './replay-guard.ts';

export interface PagerDutyHook {
  /** The configured name; the address is `/hooks/pagerduty/<channel>`. */
  readonly channel: string;
  /** Signing secrets of the webhook subscriptions: one for each service that has its own, old and new while one is replaced. */
  readonly secrets: readonly string[];
  readonly answers: Pick<AlarmAnswers, 'answer'>;
  readonly log: Log;
  readonly now: () => number;
}

/**
 * Where PagerDuty's v3 webhooks come (developer.pagerduty.com/docs/webhooks-overview). Who acknowledges or resolves there
 * takes the alarm here, if a person with that PagerDuty id is known to us and may; the incident key is the alarm's id,
 * because we gave it.
 */
export function registerPagerDutyHook(app: FastifyInstance, hook: PagerDutyHook): void {
  const { channel, answers, log, now } = hook;
  const replays = createReplayGuard({ now, forMs: 2 * AGE_MAX_MS });

  app.register(async (scope) => {
    // The signature is over the bytes as they came.
    scope.removeContentTypeParser('application/json');
    scope.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
    scope.post(
      `/hooks/pagerduty/${channel}`,
      { config: { public: true }, bodyLimit: BODY_MAX_BYTES },
      async (request, reply) => {
        const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
        if (!isSigned(request.headers['x-pagerduty-signature'], body, hook.secrets))
          return sendProblem(reply, { status: 401, code: 'not-verified' });
        const answered = answerOf(body, now());
        if (answered === 'malformed') return sendProblem(reply, { status: 400, code: 'malformed' });
        if (answered === undefined || !replays.isNew(answered.eventId)) return ok(reply);
        const { alarmId, from } = answered;
        try {
          const outcome = await answers.answer({ action: 'acknowledge', by: { alarmId }, channel, from });
          // In PagerDuty it looks taken; here it goes on, and the next are told.
          if (outcome.kind !== 'done' && outcome.kind !== 'already')
            log.warn('an answer from a channel was not taken', { channel, reason: outcome.kind });
          return ok(reply);
        } catch (error) {
          // A refusal makes PagerDuty come again; then it must be new.
          replays.forget(answered.eventId);
          throw error;
        }
      },
    );
  });
}

/** An event has a few kilobytes; one with a long history of assignees some more. */
const BODY_MAX_BYTES = 256 * 1024;

/**
 * The signature covers no time, so the event's own, which it covers, decides: what is older was held up too long to be
 * believed (PagerDuty tries again for some minutes), and what is younger is remembered.
 */
const AGE_MAX_MS = 3_600_000;

function ok(reply: FastifyReply): FastifyReply {
  return reply.code(200).send();
}

/** developer.pagerduty.com/docs/verifying-signatures: `v1=<hex>`, several separated by commas while a secret is replaced. */
function isSigned(header: unknown, body: Buffer, secrets: readonly string[]): boolean {
  if (typeof header !== 'string' || header.length > 1_024) return false;
  const given = header
    .split(',')
    .map((one) => /^v1=([0-9a-f]{64})$/.exec(one.trim())?.[1])
    .filter((hex) => hex !== undefined)
    .map((hex) => Buffer.from(hex, 'hex'));
  const expected = secrets.map((secret) => createHmac('sha256', secret).update(body).digest());
  return given.some((one) => expected.some((other) => timingSafeEqual(one, other)));
}

/** What we need of an event. PagerDuty adds to its payloads without notice, so more than this is let be. */
const WebhookEvent = Compile(
  Type.Object({
    event: Type.Object({
      id: Type.String({ minLength: 1, maxLength: 255 }),
      event_type: Type.String({ maxLength: 255 }),
      occurred_at: Type.String({ maxLength: 40 }),
      agent: Type.Optional(
        Type.Union([
          Type.Null(),
          Type.Object({ id: Type.String({ pattern: '^[A-Z0-9]{2,20}$' }), type: Type.String({ maxLength: 100 }) }),
          // Some are named otherwise; they are no people.
          Type.Object({}),
        ]),
      ),
      data: Type.Object({ incident_key: Type.Optional(Type.Union([Type.Null(), Type.String({ maxLength: 255 })])) }),
    }),
  }),
);

interface Answered {
  readonly eventId: string;
  readonly alarmId: string;
  /** PagerDuty's id of the person. */
  readonly from: string;
}

/** Undefined: nothing that a person has done to an alarm of ours. */
function answerOf(body: Buffer, nowMs: number): Answered | 'malformed' | undefined {
  const payload = parsed(body);
  if (!WebhookEvent.Check(payload)) return 'malformed';
  const { id, event_type: type, occurred_at: at, agent, data } = payload.event;
  const occurredMs = Date.parse(at);
  if (Number.isNaN(occurredMs)) return 'malformed';
  if (!TAKES.has(type) || Math.abs(nowMs - occurredMs) > AGE_MAX_MS) return undefined;
  // What our own acknowledge and resolve events did comes back with the integration as its agent.
  if (agent === null || agent === undefined || !('type' in agent) || agent.type !== 'user_reference') return undefined;
  const { incident_key: key } = data;
  return key === null || key === undefined || key === '' ? undefined : { eventId: id, alarmId: key, from: agent.id };
}

const TAKES: ReadonlySet<string> = new Set(['incident.acknowledged', 'incident.resolved']);

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}
