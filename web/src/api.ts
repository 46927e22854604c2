import type { ProblemDetails } from '@healthsync/contracts/problem';
import { anyRoleText } from './session/role-words.ts';

/** An answer that was no success: the problem as the server named it. */
export class ApiProblem extends Error {
  readonly problem: ProblemDetails;
  constructor(problem: ProblemDetails) {
    super(problem.detail ?? problem.title);
    this.problem = problem;
  }
}

/** Called when the server no longer knows the session; the page then asks to sign in again, over what is there. */
let sessionLost: () => void = () => {};
export function onSessionLost(listener: () => void): void {
  sessionLost = listener;
}

/** A request that takes longer will not come back in a useful time; the user can try again. */
const TIMEOUT_MS = 15_000;

/** One JSON request. Rejects with `ApiProblem` for anything but a success, also when no answer came at all. */
export async function api<Answer>(
  path: string,
  options: { readonly method?: string; readonly body?: unknown } = {},
): Promise<Answer> {
  const response = await fetch(path, {
    method: options.method ?? 'GET',
    signal: AbortSignal.timeout(TIMEOUT_MS),
    ...(options.body !== undefined && {
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(options.body),
    }),
  }).catch((): never => {
    throw new ApiProblem({ type: 'about:blank', title: 'No answer from the server', status: 0, code: 'no-answer' });
  });
  if (response.status === 204) return undefined as Answer;
  const body: unknown = await response.json().catch(() => undefined);
  if (response.ok) return body as Answer;
  const problem = isProblem(body)
    ? body
    : { type: 'about:blank', title: response.statusText, status: response.status, code: 'unexpected' };
  if (response.status === 401 && problem.code !== 'wrong-credentials') sessionLost();
  throw new ApiProblem(problem);
}

function isProblem(body: unknown): body is ProblemDetails {
  return typeof body === 'object' && body !== null && 'code' in body && 'status' in body;
}

/** What to tell a person: with 403, the roles that would do. */
export function problemText(error: unknown): string {
  if (!(error instanceof ApiProblem)) return 'Something went wrong. Try again.';
  const { problem } = error;
  if (problem.status === 403 && problem.rolesNeeded !== undefined)
    return `You may not do this. It needs: ${anyRoleText(problem.rolesNeeded)}.`;
  return problem.detail ?? problem.title;
}
