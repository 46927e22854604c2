import { ChangePassword, Me, SignInStep } from '@healthsync/contracts/session';
import type { FastifyInstance } from 'fastify';
import type { createOwnPassword } from '../../identity/own-password.ts';
import { principalOf } from '../access-gate.ts';
import type { FreshProof } from '../fresh-proof.ts';
import { invalid } from '../problem.ts';
import { fromOf } from '../session-cookies.ts';
import type { Api } from '../validation.ts';
import { refuseCredentials, refuseForNow, sendStep } from './session.ts';

/** One's own password, changed by whoever knows it; who has a second factor shows that too. */
export function registerOwnPassword(
  app: FastifyInstance,
  services: { readonly change: ReturnType<typeof createOwnPassword>; readonly freshProof: FreshProof },
): void {
  (app as unknown as Api).post(
    '/api/me/password',
    {
      config: { signedIn: true },
      schema: {
        summary: 'Change my password; all my other sessions end',
        tags: ['session'],
        body: ChangePassword,
        response: { 200: Me, 202: SignInStep },
      },
    },
    async (request, reply) => {
      const principal = principalOf(request);
      const { credential } = request;
      // A key or an app acts for somebody; what somebody knows is not theirs to change.
      if (principal.kind !== 'session' || credential === undefined) return refuseCredentials(reply);
      if (!(await services.freshProof(request, reply))) return reply;
      const { current, wanted } = request.body;
      const outcome = await services.change({
        principal,
        secret: credential.secret,
        current,
        wanted,
        ...fromOf(request),
      });
      switch (outcome.kind) {
        case 'changed':
          return sendStep(reply, outcome.step, 200);
        case 'unfit':
          return invalid(reply, [{ code: 'invalid-value', field: 'wanted', detail: outcome.detail }]);
        case 'wait':
          return refuseForNow(reply, outcome.retryAfterMs);
        case 'refused':
          return refuseCredentials(reply);
        default:
          return outcome satisfies never;
      }
    },
  );
}
