import { randomBytes } from 'node:crypto';
import { CSP_REPORTS, pagePolicy } from '@healthsync/contracts/page-policy';
import type { FastifyInstance, FastifyReply } from 'fastify';

/** Answers that are data: nothing in them may ever run, be framed, or be kept by a cache. */
const FOR_DATA = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
  'origin-agent-cluster': '?1',
  'permissions-policy': [
    ...[
      'accelerometer',
      'bluetooth',
      'camera',
      'display-capture',
      'encrypted-media',
      'geolocation',
      'gyroscope',
      'hid',
    ],
    ...['magnetometer', 'microphone', 'midi', 'payment', 'picture-in-picture', 'serial', 'usb', 'xr-spatial-tracking'],
  ]
    .map((feature) => `${feature}=()`)
    .join(', '),
  'reporting-endpoints': `csp="${CSP_REPORTS}"`,
} as const;

/** Two years, as preload lists ask; only where the certificate is one that browsers trust on their own. */
const HSTS = 'max-age=63072000; includeSubDomains';

/** Written by hand rather than by a plugin: two fixed sets, and what is sent can be read here. */
export function registerSecurityHeaders(app: FastifyInstance, options: SecurityHeaderOptions): void {
  const headers = securityHeaders(options);
  app.addHook('onRequest', (request, reply, done) => {
    reply.headers(headers).header('x-request-id', request.id);
    done();
  });
}

export interface SecurityHeaderOptions {
  readonly hasPublicCertificate: boolean;
}

/** For answers that no hook comes by: what the router refuses. */
export function securityHeaders({ hasPublicCertificate }: SecurityHeaderOptions): Readonly<Record<string, string>> {
  return hasPublicCertificate ? { ...FOR_DATA, 'strict-transport-security': HSTS } : FOR_DATA;
}

export function allowPage(reply: FastifyReply, nonce: string): void {
  reply.header('content-security-policy', pagePolicy(nonce));
}

/** 128 bits, as CSP asks: never to be guessed, never used twice. */
export function makeNonce(): string {
  return randomBytes(16).toString('base64url');
}
