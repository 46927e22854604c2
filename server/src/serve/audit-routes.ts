import type { RouteOptions } from 'fastify';

/** What of a route is written down. */
export type AuditRule = AuditedRoute | RefusalsOnly | Harmless;

export interface AuditedRoute {
  readonly kind: 'audited';
  readonly action: string;
  readonly resource: string;
  /** Which parameter of the path names the resource. */
  readonly idParameter?: string;
  /** Which parameter of the path names the patient. */
  readonly patientParameter?: string;
  /**
   * `before`: it changes something, so that it is written down before it is done, and again when it is known how it
   * ended. `after`: what is read has not left the house when its entry is written. `stream`: before the first byte, and
   * again when the connection ends; of those that answer past the framework.
   */
  readonly when: 'before' | 'after' | 'stream';
  /** The wall must open also while the log cannot be written: its entry is held in the data folder until it can. */
  readonly mayBeHeld?: true;
}

/** What passes is on record otherwise, or no access; what is refused is written down. */
export interface RefusalsOnly {
  readonly kind: 'refusals-only';
  readonly action: string;
  readonly resource: string;
  readonly why: string;
}

/** Opens nothing that is known of patients and changes nothing: for everybody, and nobody is refused. */
export interface Harmless {
  readonly kind: 'harmless';
  readonly why: string;
}

const HARMLESS: Readonly<Record<string, string>> = {
  'GET /': 'the app itself: the same for everybody, without data',
  'GET /assets/*': 'the app itself: the same for everybody, without data',
  'GET /health/live': 'whether the process lives; asked every few seconds by what watches it',
  'GET /health/ready': 'whether it is ready; asked every few seconds by what balances to it',
  'GET /api/openapi.json': 'the description of this interface, as published',
  'GET /api/session': 'tells people who they are themselves; asked by every page that opens',
  'GET /api/session/ways': 'how one may sign in here: the same for everybody',
  'GET /api/session/pending': 'which step of one’s own sign-in comes next',
  'GET /api/push/key': 'a public key',
  'GET /.well-known/healthsync-audit-keys': 'public keys',
  'GET /.well-known/est/cacerts': 'public keys, as published',
  'GET /pki/:file': 'revocation lists and public keys, as published',
  'GET /pki/certificates/:serial': 'whether one certificate counts, as the revocation list says to all',
  'GET /.well-known/smart-configuration': 'how apps sign in, as published',
  'GET /fhir/.well-known/smart-configuration': 'how apps sign in, as published',
  'GET /scim/v2/ServiceProviderConfig': 'what of SCIM is spoken here, as published',
  'GET /scim/v2/ResourceTypes': 'what of SCIM is spoken here, as published',
  'GET /scim/v2/ResourceTypes/:id': 'what of SCIM is spoken here, as published',
  'GET /scim/v2/Schemas': 'what of SCIM is spoken here, as published',
  'GET /scim/v2/Schemas/:id': 'what of SCIM is spoken here, as published',
  'POST /api/csp-reports': 'what a browser refused, by kind; logged, and it opens and changes nothing',
};

const REFUSALS_ONLY: Readonly<Record<string, Omit<RefusalsOnly, 'kind'>>> = {
  'POST /ingest/readings': {
    action: 'reading.send',
    resource: 'reading',
    why: 'a reading is kept with its device and its time; that the device came is an entry, once an hour and counted',
  },
  'GET /metrics': {
    action: 'operations.read',
    resource: 'metrics',
    why: 'numbers without names; asked every few seconds by monitoring',
  },
  'GET /api/wards': {
    action: 'wall.watch',
    resource: 'ward',
    why: 'the names of wards; the wall asks for them also while the log cannot be written',
  },
  'GET /api/ward-names': {
    action: 'own.use',
    resource: 'ward',
    why: 'the names of wards, without who or how many lie there; every form asks for them',
  },
  'GET /api/me/key-scopes': {
    action: 'own.use',
    resource: 'own',
    why: 'tells people what they may do themselves',
  },
};

const SIGN_IN = { action: 'session.sign-in', resource: 'session', when: 'after' } as const;
const OWN_FACTORS = { action: 'session.second-factor', resource: 'session' } as const;

/** Where path, method and declared action do not say it by themselves. */
const SAID: Readonly<Record<string, Partial<AuditedRoute>>> = {
  // A session's cookie has not left when its entry is written, and a guess that fails changes nothing.
  'POST /api/session': SIGN_IN,
  'POST /api/session/second-factor': SIGN_IN,
  'POST /api/session/passkey-options': SIGN_IN,
  'POST /api/session/passkey': SIGN_IN,
  'GET /api/session/outside': SIGN_IN,
  'GET /api/session/outside/callback': SIGN_IN,
  'POST /api/session/step-up': { action: 'session.step-up', resource: 'session', when: 'after' },
  // Asked again until a person has decided; no certificate has left when its entry is written.
  'POST /.well-known/est/simpleenroll': { action: 'device.enroll', resource: 'device', when: 'after' },
  'POST /.well-known/est/simplereenroll': { action: 'device.renew', resource: 'device', when: 'after' },
  'DELETE /api/session': { action: 'session.sign-out', resource: 'session' },
  'POST /api/setup': { action: 'session.set-up', resource: 'session', when: 'after' },
  'POST /api/invitations/accept': { action: 'session.accept-invitation', resource: 'session', when: 'after' },
  'POST /api/session/factors/check': OWN_FACTORS,
  'POST /api/session/factors/totp': OWN_FACTORS,
  'POST /api/session/factors/totp/confirm': OWN_FACTORS,
  'POST /api/session/factors/passkey': OWN_FACTORS,
  'POST /api/session/factors/passkey/confirm': OWN_FACTORS,
  'GET /oidc/*': { action: 'openid.use', resource: 'openid', when: 'stream' },
  'POST /oidc/*': { action: 'openid.use', resource: 'openid', when: 'stream' },
  // Looks one up, and changes nothing.
  'POST /api/patients/find': { resource: 'patient', when: 'after' },
  'GET /api/live': { resource: 'live-stream', when: 'stream', mayBeHeld: true },
};

/** Every route that is spoken of above: none may be spoken of that is not there. */
export const SPOKEN_OF = [HARMLESS, REFUSALS_ONLY, SAID].flatMap((table) => Object.keys(table));

const CHANGES_NOTHING = new Set(['GET', 'HEAD']);

/**
 * What is written down of a request to a route. Everything is, unless it stands above why not; undefined: it is called by
 * no name, so that nobody has looked at it, and is written down as `unnamed`.
 */
export function auditRuleOf({ url, config }: Pick<RouteOptions, 'url' | 'config'>, method: string): AuditRule {
  const name = `${method === 'HEAD' ? 'GET' : method} ${url}`;
  if (method === 'OPTIONS') return { kind: 'harmless', why: 'asks what may be asked' };
  const harmless = HARMLESS[name] ?? (isTopLevelFile(name) ? 'a file of the app itself' : undefined);
  if (harmless !== undefined) return { kind: 'harmless', why: harmless };
  const refusals = REFUSALS_ONLY[name];
  if (refusals !== undefined) return { kind: 'refusals-only', ...refusals };
  const said = SAID[name];
  const idParameter = [...url.matchAll(/:(\w+)/g)].at(-1)?.[1];
  const patientParameter = /\/patients\/:(\w+)/i.exec(url)?.[1];
  return {
    kind: 'audited',
    action: config?.action ?? ownAction(url, config) ?? UNNAMED,
    resource: resourceOf(url),
    // An answer from a channel is proved by the handler; what it changes has its entry with the change.
    when: CHANGES_NOTHING.has(method) || url.startsWith('/hooks/') ? 'after' : 'before',
    ...(idParameter !== undefined && { idParameter }),
    ...(patientParameter !== undefined && { patientParameter }),
    ...said,
  };
}

/** A public route that nobody has named: it is audited, and a test fails until somebody has looked at it. */
export const UNNAMED = 'unnamed';

/** Answers to alarms come by channels, with signatures of their own; people use what is their own. */
function ownAction(url: string, config: RouteOptions['config']): string | undefined {
  if (url.startsWith('/hooks/')) return 'alarm.answer';
  return config?.signedIn === true ? 'own.use' : undefined;
}

/** Icons and the like, as `web-app.ts` finds them in the build. */
function isTopLevelFile(name: string): boolean {
  return /^GET \/[\w-]+(\.[\w-]+)+$/.test(name);
}

/** `/api/patients/:id/vitals` is about a patient's vitals, `/api/alerts/:id` about an alert. */
function resourceOf(url: string): string {
  const words = url.split('/').filter((part) => part !== '' && part !== 'api' && !/^[:*]/.test(part));
  return words.slice(-2).join('.') || 'house';
}
