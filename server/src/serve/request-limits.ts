import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { networkOf } from '../identity/sign-in-limits.ts';
import { sendProblem } from './problem.ts';
import { RequestBudget } from './request-budget.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What one request costs of its caller's budget, where it makes much work or gives much away. By default 1. */
    cost?: number;
  }
}

export interface RequestLimits {
  /** Per address, devices' entry apart. */
  readonly perAddressPerMinute: number;
  /** Per person, system or screen, over all their sessions and keys. */
  readonly perCallerPerMinute: number;
}

/**
 * How much one address and one account may ask, whatever they ask for: so that none takes what all the others need, and
 * a stolen session does not carry a house away in a minute. A minute's worth may come at once. Register it around the
 * gate: `atTheDoor` before it, so that strangers are slowed before anything is looked up, `inside` behind it.
 */
export function requestLimits(limits: RequestLimits, now: () => number) {
  const addresses = new RequestBudget({ perMinute: limits.perAddressPerMinute });
  const callers = new RequestBudget({ perMinute: limits.perCallerPerMinute });

  return {
    atTheDoor(app: FastifyInstance): void {
      app.addHook('onRequest', async (request, reply) => {
        // Devices are known by their certificates, and counted by them.
        if (request.routeOptions.config?.device === true) return;
        await slowDown(request, reply, addresses.take(networkOf(request.ip), 1, now()));
      });
    },
    inside(app: FastifyInstance): void {
      app.addHook('onRequest', async (request, reply) => {
        if (request.principal === undefined) return;
        const cost = Math.min(request.routeOptions.config.cost ?? 1, limits.perCallerPerMinute);
        await slowDown(request, reply, callers.take(request.principal.userId, cost, now()));
      });
    },
  };
}

async function slowDown(_request: FastifyRequest, reply: FastifyReply, retryAfterMs: number): Promise<void> {
  if (retryAfterMs === 0) return;
  await sendProblem(reply, {
    status: 429,
    code: 'too-many-requests',
    detail: 'Slow down and try again later.',
    retryAfterMs,
  });
}
