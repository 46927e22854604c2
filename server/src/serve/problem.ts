import type { ProblemDetails } from '@healthsync/contracts/problem';
import type { FastifyReply } from 'fastify';

/** RFC 9457 with a stable `code`. Every refusal over HTTP is one of these. */
export interface ProblemInput {
  readonly status: number;
  readonly code: string;
  /** For a person, without patient data and without the value received. */
  readonly detail?: string;
  readonly errors?: readonly FieldError[];
  readonly rolesNeeded?: readonly string[];
  readonly retryAfterMs?: number;
  readonly changed?: NonNullable<ProblemDetails['changed']>;
}

export interface FieldError {
  readonly code: string;
  readonly field: string;
  readonly detail: string;
}

export function sendProblem(reply: FastifyReply, problem: ProblemInput): FastifyReply {
  if (problem.retryAfterMs !== undefined) reply.header('retry-after', Math.ceil(problem.retryAfterMs / 1000));
  return reply
    .code(problem.status)
    .header('content-type', 'application/problem+json')
    .header('cache-control', 'no-store')
    .serializer(JSON.stringify)
    .send(problemBody(problem));
}

export function problemBody(problem: ProblemInput): ProblemDetails {
  const { status, code, detail, errors, rolesNeeded, changed } = problem;
  return {
    type: `urn:healthsync:problem:${code}`,
    title: TITLES[status] ?? 'Error',
    status,
    code,
    ...(detail !== undefined && { detail }),
    ...(errors !== undefined && { errors: [...errors] }),
    ...(rolesNeeded !== undefined && { rolesNeeded: [...rolesNeeded] }),
    ...(changed !== undefined && { changed }),
  };
}

export function notFound(reply: FastifyReply, what: string): FastifyReply {
  return sendProblem(reply, { status: 404, code: 'not-found', detail: `No such ${what}, or not yours to see.` });
}

export function invalid(reply: FastifyReply, errors: readonly FieldError[]): FastifyReply {
  const fields = errors.map((error) => error.field || 'the whole').join(', ');
  return sendProblem(reply, { status: 400, code: 'invalid-input', detail: `Not as expected: ${fields}.`, errors });
}

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad request',
  401: 'Sign in first',
  403: 'Not allowed',
  404: 'Not found',
  405: 'Method not allowed',
  408: 'Request timed out',
  409: 'Conflict',
  412: 'Changed meanwhile',
  413: 'Too large',
  414: 'Address too long',
  415: 'Unsupported media type',
  421: 'Not this server',
  428: 'Say which version',
  429: 'Too many requests',
  431: 'Header fields too large',
  500: 'Internal error',
  503: 'Not available now',
};
