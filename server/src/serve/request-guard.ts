import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type ProblemInput, sendProblem } from './problem.ts';

export interface GuardBounds {
  readonly urlMax: number;
  readonly parametersMax: number;
  readonly headersMax: number;
}

/** What no route needs, refused before anybody is asked who they are. */
export const GUARD_BOUNDS: GuardBounds = {
  /** RFC 9110 §4.1 asks for 8,000 at least; ours stay below 1,000, codes from outside providers below 4,000. */
  urlMax: 8_192,
  /** The live stream may be asked for a hundred wards by name. */
  parametersMax: 128,
  /** Browsers send some twenty, proxies add ten. */
  headersMax: 100,
};

/**
 * Envelopes that are wrong whoever sends them. `isOurs` says whether a Host header names this server: a page of another
 * name that was made to resolve to our address (DNS rebinding) is its own origin, and gets nothing.
 */
export function registerRequestGuard(
  app: FastifyInstance,
  { isOurs, bounds = GUARD_BOUNDS }: { readonly isOurs: (host: string | undefined) => boolean; bounds?: GuardBounds },
): void {
  app.addHook('onRequest', async (request, reply) => {
    const problem =
      wrongWith(request, bounds) ?? (isForAnother(request) || isMisdirected(request) ? MISDIRECTED : undefined);
    if (problem !== undefined) await sendProblem(reply, problem);
  });

  function isMisdirected({ headers, url }: FastifyRequest): boolean {
    // Who balances and who measures asks by whatever name it likes, and learns nothing of patients.
    return !/^\/(health\/|metrics(\?|$))/.test(url) && !isOurs(headers.host);
  }
}

/**
 * A request line may hold the whole address (RFC 9112 §3.2.2), and then that counts and not Host: one that names two
 * servers was judged by somebody in front of us for the other. `*` (§3.2.4) asks for nothing there is.
 */
function isForAnother({ url, headers }: FastifyRequest): boolean {
  return !url.startsWith('/') && !url.startsWith(`https://${headers.host}/`);
}

function wrongWith({ raw, url }: FastifyRequest, bounds: GuardBounds): ProblemInput | undefined {
  if (url.length > bounds.urlMax) return { status: 414, code: 'address-too-long' };
  // RFC 9112 §3.2: no request has one. We would read on up to it, others beyond it.
  if (url.includes('#')) return { status: 400, code: 'bad-request', detail: 'The address has a fragment.' };
  if (url.includes('?') && url.split('&').length > bounds.parametersMax)
    return { status: 400, code: 'too-many-parameters', detail: `At most ${bounds.parametersMax} are read.` };
  if (raw.rawHeaders.length / 2 > bounds.headersMax) return { status: 431, code: 'headers-too-large' };
  if (isSaidTwice(raw.rawHeaders)) return { status: 400, code: 'bad-request', detail: 'A header is there twice.' };
  return undefined;
}

/** Headers that decide: of two, a proxy might have judged the other (RFC 9112 §3.2, RFC 9110 §5.3). */
const ONCE = new Set(['host', 'authorization', 'content-type', 'origin', 'sec-fetch-site', 'x-purpose-of-use', 'dpop']);

function isSaidTwice(rawHeaders: readonly string[]): boolean {
  const seen = new Set<string>();
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = (rawHeaders[at] ?? '').toLowerCase();
    if (!ONCE.has(name)) continue;
    if (seen.has(name)) return true;
    seen.add(name);
  }
  return false;
}

/** RFC 9110 §15.5.20. */
const MISDIRECTED: ProblemInput = {
  status: 421,
  code: 'misdirected',
  detail: 'This server does not go by that name. Names it is to be reached by belong into HEALTHSYNC_SERVER_NAMES.',
};

/**
 * Names that a Host header may have: what the certificate is for, and further ones. A literal address is nobody's to
 * point elsewhere, and always good.
 */
export function servedNames(certificate: string | Buffer, names: readonly string[]) {
  const certified = new X509Certificate(certificate);
  const further = new Set(names.map((name) => name.toLowerCase()));
  return (header: string | undefined): boolean => {
    const [, name = ''] = /^([A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?$/.exec(header ?? '') ?? [];
    const host = name
      .replace(/^\[|\]$/g, '')
      .replace(/\.$/, '')
      .toLowerCase();
    if (host === '') return false;
    return isIP(host) !== 0 || further.has(host) || certified.checkHost(host) !== undefined;
  };
}
