import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { networkOf } from '../identity/sign-in-limits.ts';
import { problemBody, sendProblem } from './problem.ts';
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
  /** Tokens and one-time codes of devices that were none, per address. */
  readonly deviceGuessesPerMinute: number;
}

/**
 * How much one address and one account may ask, whatever they ask for: so that none takes what all the others need, and
 * a stolen session does not carry a house away in a minute. A minute's worth may come at once. Register it around the
 * gate: `atTheDoor` before it, so that strangers are slowed before anything is looked up, `inside` behind it.
 */
export function requestLimits(limits: RequestLimits, now: () => number) {
  const addresses = new RequestBudget({ perMinute: limits.perAddressPerMinute });
  const callers = new RequestBudget({ perMinute: limits.perCallerPerMinute });
  const guesses = new RequestBudget({ perMinute: limits.deviceGuessesPerMinute });

  return {
    atTheDoor(app: FastifyInstance): void {
      app.addHook('onRequest', async (request, reply) => {
        // Devices are known by their certificates, and counted by them.
        if (request.routeOptions.config?.device === true) return;
        const cost = Math.min(1 + bodyCost(request), limits.perAddressPerMinute);
        await slowDown(request, reply, addresses.take(networkOf(request.ip), cost, now()));
      });
      // A house of devices may share one address, so none of it waits for what another one tries there: each is looked at
      // first, and only what was wrong is counted, and told to slow down. Whoever shows nothing (a certificate that has
      // ended, EST's question for the code, RFC 7030 §3.2.3) guesses nothing.
      app.addHook('onSend', async (request, reply, payload) => {
        const isGuess = reply.statusCode === 401 && request.headers.authorization !== undefined;
        if (!isGuess || request.routeOptions.config?.device !== true) return payload;
        const retryAfterMs = guesses.take(networkOf(request.ip), 1, now());
        if (retryAfterMs === 0) return payload;
        reply.code(SLOW_DOWN.status).removeHeader('www-authenticate');
        reply.header('retry-after', Math.ceil(retryAfterMs / 1000));
        reply.header('content-type', 'application/problem+json').header('cache-control', 'no-store');
        return JSON.stringify(problemBody(SLOW_DOWN));
      });
    },
    inside(app: FastifyInstance): void {
      app.addHook('onRequest', async (request, reply) => {
        if (request.principal === undefined) return;
        const asked = (request.routeOptions.config.cost ?? 1) + bodyCost(request);
        const cost = Math.min(asked, limits.perCallerPerMinute);
        await slowDown(request, reply, callers.take(request.principal.userId, cost, now()));
      });
    },
  };
}

/**
 * A body is work before anybody knows what is in it, some 0.2 ms for these many bytes of the worst: 64 KB are sixteen
 * requests more. What people send stays below one. One whose length is not said (chunked) may be as long as is read.
 */
function bodyCost({ headers, routeOptions }: FastifyRequest): number {
  const said = headers['content-length'];
  if (said === undefined && headers['transfer-encoding'] === undefined) return 0;
  const readMax = routeOptions.bodyLimit ?? Number.POSITIVE_INFINITY;
  // More than is read is refused unread.
  return Math.floor(Math.min(Number(said ?? readMax), readMax) / BODY_BYTES_PER_REQUEST);
}
const BODY_BYTES_PER_REQUEST = 4 * 1024;

async function slowDown(_request: FastifyRequest, reply: FastifyReply, retryAfterMs: number): Promise<void> {
  if (retryAfterMs === 0) return;
  await sendProblem(reply, { ...SLOW_DOWN, retryAfterMs });
}

const SLOW_DOWN = { status: 429, code: 'too-many-requests', detail: 'Slow down and try again later.' } as const;
