import type { Decision } from '../access/decisions.ts';
import type { ProblemInput } from './problem.ts';

/** A refusal by the policies, as an answer over HTTP. */
export function refusalOf({ needs, obligation, policies }: Decision): ProblemInput {
  if (needs !== undefined)
    return {
      status: 403,
      code: 'role-needed',
      detail: needs.length === 0 ? 'Nobody may do this.' : `This needs one of these roles: ${needs.join(', ')}.`,
      rolesNeeded: needs,
    };
  if (obligation === 'second-factor')
    return {
      status: 403,
      code: 'fresh-proof-needed',
      detail: 'Show once more that it is you: with your second factor, or your password where you have none.',
    };
  if (obligation === 'own-second-factor')
    return {
      status: 403,
      code: 'second-factor-missing',
      detail: 'This asks for a second factor, and you have none: add a passkey or codes from an app, then do it again.',
    };
  if (obligation === 'break-glass')
    return {
      status: 403,
      code: 'emergency-needed',
      detail: 'This is not yours to do now. In an emergency, open the record with a reason.',
    };
  return { status: 403, code: 'refused-by-policy', detail: `Refused by: ${policies.join(', ')}.` };
}
