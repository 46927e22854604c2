import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyError, FastifyInstance } from 'fastify';
import { Failure } from '../ports/failure.ts';
import type { Log } from '../telemetry/log.ts';
import { refusalOf } from './access-refusal.ts';
import { type ProblemInput, problemBody, sendProblem } from './problem.ts';
import { InvalidInput } from './validation.ts';
import { AccessRefused } from './ward-scope.ts';

/** Whatever goes wrong in a request ends here as a problem; only defects and broken dependencies are logged. */
export function registerErrors(app: FastifyInstance, log: Log): void {
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const problem = toProblem(error);
    if (problem.status >= 500)
      log.error('a request failed', {
        requestId: request.id,
        method: request.method,
        route: request.routeOptions.url ?? 'none',
        code: problem.code,
        error,
      });
    return sendProblem(reply, problem);
  });
}

export function toProblem(error: FastifyError): ProblemInput {
  if (error instanceof InvalidInput)
    return { status: 400, code: 'invalid-input', detail: error.message, errors: error.errors };
  if (error instanceof AccessRefused) return refusalOf(error.decision);
  if (error instanceof Failure)
    return error.retryable
      ? { status: 503, code: error.code, detail: 'Something this needs is away. Try again.', retryAfterMs: 2_000 }
      : { status: 500, code: error.code };
  const known = error.code === undefined ? undefined : FRAMEWORK[error.code];
  if (known !== undefined) return known;
  const status = error.statusCode ?? 500;
  if (status === 429) return { status, code: 'too-many-requests', detail: 'Slow down and try again later.' };
  // Foreign messages may quote input: none is passed on.
  return status >= 400 && status < 500 ? { status, code: 'bad-request' } : { status: 500, code: 'internal-error' };
}

const FRAMEWORK: Readonly<Record<string, ProblemInput>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: { status: 415, code: 'unsupported-media-type', detail: 'Send application/json.' },
  FST_ERR_CTP_BODY_TOO_LARGE: { status: 413, code: 'too-large', detail: 'The body is larger than is accepted here.' },
  FST_ERR_CTP_INVALID_JSON_BODY: { status: 400, code: 'malformed-json', detail: 'The body is not JSON.' },
  FST_ERR_CTP_EMPTY_JSON_BODY: { status: 400, code: 'malformed-json', detail: 'The body is empty.' },
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: { status: 400, code: 'bad-request', detail: 'Content-Length is not the body’s.' },
  JSON_TOO_DEEP: { status: 400, code: 'malformed-json', detail: 'The body is nested deeper than is read here.' },
  JSON_NAME_TWICE: { status: 400, code: 'malformed-json', detail: 'An object in the body names a field twice.' },
  FST_ERR_BAD_URL: { status: 400, code: 'bad-request', detail: 'The path is not a valid URL path.' },
};

/** What never became a request: told in the same form, on the bare socket. */
export function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = error.code === 'HPE_HEADER_OVERFLOW' ? 431 : error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400;
  const code = status === 431 ? 'headers-too-large' : status === 408 ? 'request-timeout' : 'bad-request';
  const body = JSON.stringify(problemBody({ status, code }));
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: application/problem+json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
