import { CSP_REPORTS } from '@healthsync/contracts/page-policy';
import type { FastifyInstance } from 'fastify';
import type { Log } from '../telemetry/log.ts';
import { sendProblem } from './problem.ts';

/** One report is under 2 KB; browsers send at most a few dozen in one go. */
const BODY_MAX_BYTES = 32 * 1024;
/** A page that is broken says the same thing thousands of times. */
const LOGGED_PER_MINUTE_MAX = 20;

/**
 * What a browser refused to run or load is either a fault of ours or somebody's attempt: it is logged, by directive and
 * kind alone. The addresses in a report may hold a patient's id, its sample the data itself: neither is kept.
 */
export function registerCspReports(app: FastifyInstance, log: Log, now: () => number): void {
  let minute = { sinceMs: 0, count: 0 };
  app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    for (const type of ['application/csp-report', 'application/reports+json'])
      scope.addContentTypeParser(type, { parseAs: 'string', bodyLimit: BODY_MAX_BYTES }, (_request, body, done) =>
        done(null, body),
      );
    scope.post(CSP_REPORTS, { config: { public: true }, bodyLimit: BODY_MAX_BYTES }, (request, reply) => {
      const violations = violationsIn(request.body);
      if (violations === undefined) return sendProblem(reply, { status: 400, code: 'invalid-input' });
      if (now() - minute.sinceMs >= 60_000) minute = { sinceMs: now(), count: 0 };
      for (const { directive, blocked } of violations)
        if (minute.count++ < LOGGED_PER_MINUTE_MAX)
          log.warn('a browser refused what a page may not do', { code: directive, reason: blocked });
      return reply.code(204).send();
    });
  });
}

interface Violation {
  /** Which directive; `unknown` for what is none. */
  readonly directive: string;
  /** `inline`, `eval`, or what kind of address. */
  readonly blocked: string;
}

/** Both forms: of `report-uri` (CSP 2) and of the Reporting API. Undefined: neither. */
export function violationsIn(body: unknown): readonly Violation[] | undefined {
  if (typeof body !== 'string') return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    return undefined;
  }
  const reports = Array.isArray(parsed)
    ? parsed.map((one: { readonly body?: unknown } | null) => one?.body)
    : [(parsed as { readonly 'csp-report'?: unknown } | null)?.['csp-report']];
  const found = reports.filter((one): one is Record<string, unknown> => typeof one === 'object' && one !== null);
  return found.length === 0 ? undefined : found.slice(0, LOGGED_PER_MINUTE_MAX).map(violationOf);
}

function violationOf(report: Readonly<Record<string, unknown>>): Violation {
  const directive = report['effectiveDirective'] ?? report['effective-directive'] ?? report['violated-directive'];
  const blocked = report['blockedURL'] ?? report['blocked-uri'];
  return {
    directive: DIRECTIVES.find((one) => one === String(directive).split(' ', 1)[0]) ?? 'unknown',
    blocked: kindOf(typeof blocked === 'string' ? blocked : ''),
  };
}

/** Of CSP 3; a closed list, because a report is a stranger's text. */
const DIRECTIVES = [
  ...[
    'default-src',
    'script-src',
    'script-src-elem',
    'script-src-attr',
    'style-src',
    'style-src-elem',
    'style-src-attr',
  ],
  ...['img-src', 'font-src', 'connect-src', 'media-src', 'object-src', 'frame-src', 'child-src', 'worker-src'],
  ...['manifest-src', 'base-uri', 'form-action', 'frame-ancestors', 'require-trusted-types-for', 'trusted-types'],
] as const;

function kindOf(blocked: string): string {
  if (/^(inline|eval|wasm-eval|trusted-types-policy|trusted-types-sink)$/.test(blocked)) return blocked;
  return /^(https|http|data|blob|wss|ws)\b/.exec(blocked)?.[0] ?? 'unknown';
}
