import { Readiness } from '@healthsync/contracts/health';
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import type { HealthCheck, Services } from './services.ts';
import type { Api } from './validation.ts';

/** A check that takes longer counts as down: a balancer's own patience is a few seconds. */
const CHECK_MAX_MS = 1_000;
/** Answers are reused this long, so that a flood of probes does not become a flood of queries. */
const FRESH_MS = 500;

/** For process managers and balancers, which have no account: whether to restart it, and whether to send it work. */
export function registerHealth(app: FastifyInstance, { health, metrics, now }: Services): void {
  const api = app as unknown as Api;
  let last: { readonly atMs: number; readonly answer: Promise<Readiness> } | undefined;

  api.get(
    '/health/live',
    {
      config: { public: true },
      schema: {
        summary: 'The process answers',
        tags: ['operations'],
        response: { 200: Type.Object({ live: Type.Boolean() }) },
      },
    },
    () => ({ live: true }),
  );

  api.get(
    '/health/ready',
    {
      config: { public: true },
      schema: {
        summary: 'Whether everything that is needed is up, by name',
        tags: ['operations'],
        response: { 200: Readiness, 503: Readiness },
      },
    },
    async (_request, reply) => {
      if (last === undefined || now() - last.atMs > FRESH_MS) last = { atMs: now(), answer: readiness(health) };
      const answer = await last.answer;
      return reply.code(answer.ready ? 200 : 503).send(answer);
    },
  );

  // How busy a ward is can be read off the metrics: by default only those who run the house see them.
  api.get(
    '/metrics',
    {
      config: { action: 'operations.read', installation: true },
      schema: { summary: 'Prometheus metrics', tags: ['operations'] },
    },
    async (_request, reply) => reply.type(metrics.contentType).send(await metrics.render()),
  );
}

async function readiness(health: readonly HealthCheck[]): Promise<Readiness> {
  const checks = await Promise.all(
    health.map(async (check) => ({ name: check.name, state: await stateOf(check), required: check.required })),
  );
  return { ready: checks.every((check) => !check.required || check.state !== 'down'), checks };
}

async function stateOf(check: HealthCheck): Promise<'up' | 'degraded' | 'down'> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<'down'>((resolve) => {
    timer = setTimeout(resolve, CHECK_MAX_MS, 'down');
  });
  try {
    return await Promise.race([check.state(), tooLate]);
  } catch {
    return 'down';
  } finally {
    clearTimeout(timer);
  }
}
