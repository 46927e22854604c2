import type { RouteOptions } from 'fastify';

/** What of a route is written down. */
export type AuditRule =
  | {
      readonly kind: 'audited';
      readonly action: string;
      readonly resource: string;
      /** Which parameter of the path names the resource. */
      readonly idParameter?: string;
      /** Which parameter of the path, or of the query, names the patient. */
      readonly patientParameter?: string;
      /**
       * `before`: it changes something, so that it is written down before it is done, and again when it is known how it
       * ended. `after`: what is read has not left the house when its entry is written. `stream`: before the first byte,
       * and again when it ends.
       */
      readonly when: 'before' | 'after' | 'stream';
      /** Derived from the path alone: `audit-routes.test.ts` wants somebody to have looked. */
      readonly isGuessed?: true;
    }
  /** What passes is no access to what is known of patients, and what is refused is still written down. */
  | { readonly kind: 'refusals-only'; readonly action: string; readonly resource: string; readonly why: string }
  | { readonly kind: 'harmless'; readonly why: string };

/** Opens nothing that is known of patients, changes nothing, and why. */
const HARMLESS: Readonly<Record<string, string>> = {
  'GET /': 'the app itself: the same for everybody, without data',
  'GET /assets/*': 'the app itself: the same for everybody, without data',
  'GET /favicon.svg': 'the app itself',
  'GET /manifest.webmanifest': 'the app itself',
  'GET /push-worker.js': 'the app itself',
  'GET /health/live': 'whether the process lives; asked every few seconds by what watches it',
  'GET /health/ready': 'whether it is ready; asked every few seconds by what balances to it',
  'GET /metrics': 'numbers without names; asked every few seconds by monitoring',
  'GET /api/openapi.json': 'the description of this interface, as published',
  'GET /asyncapi.yaml': 'the description of the events, as published',
  'GET /api/asyncapi.yaml': 'the description of the events, as published',
  'GET /api/asyncapi.json': 'the description of the events, as published',
  'GET /api/session': 'tells people who they are themselves; asked by every page that opens',
  'GET /api/push/key': 'a public key',
  'GET /api/me/push/key': 'a public key',
  'GET /.well-known/healthsync-audit-keys': 'public keys',
  'GET /api/wards': 'the names of wards; the wall asks for them also while the audit log cannot be written',
};

/** Written down only when they are refused, and why. */
const REFUSALS_ONLY: Readonly<Record<string, Omit<Extract<AuditRule, { kind: 'refusals-only' }>, 'kind'>>> = {
  'POST /ingest/readings': {
    action: 'reading.send',
    resource: 'reading',
    why: 'a reading is kept with its device and its time: that it came is on record already',
  },
};

/** Where the path does not say it by itself. */
const SAID: Readonly<Record<string, Partial<Extract<AuditRule, { kind: 'audited' }>>>> = {
  // The session's cookie has not left when its entry is written; a guess that fails changes nothing.
  'POST /api/session': { action: 'session.sign-in', resource: 'session', when: 'after' },
  'DELETE /api/session': { action: 'session.sign-out', resource: 'session' },
  'POST /api/setup': { action: 'session.set-up', resource: 'session', when: 'after' },
  'GET /api/live': { resource: 'live-stream', when: 'stream' },
  'POST /hooks/slack/:channel': { action: 'alarm.answer', resource: 'channel', idParameter: 'channel' },
};

const CHANGES_NOTHING = new Set(['GET', 'HEAD', 'OPTIONS']);

/** What is written down of a route. Everything is, unless it stands above why not. */
export function auditRuleOf(route: Pick<RouteOptions, 'method' | 'url' | 'config'>, method: string): AuditRule {
  const name = `${method === 'HEAD' ? 'GET' : method} ${route.url}`;
  const harmless = HARMLESS[name];
  if (harmless !== undefined) return { kind: 'harmless', why: harmless };
  const refusals = REFUSALS_ONLY[name];
  if (refusals !== undefined) return { kind: 'refusals-only', ...refusals };
  const said = SAID[name];
  const action = said?.action ?? route.config?.action ?? (route.url.startsWith('/hooks/') ? 'alarm.answer' : undefined);
  const parameters = [...route.url.matchAll(/:(\w+)/g)].map(([, parameter]) => parameter ?? '');
  const idParameter = parameters.at(-1);
  const patientParameter = patientParameterOf(route.url);
  return {
    kind: 'audited',
    action: action ?? (route.config?.signedIn === true ? 'own.use' : 'unnamed'),
    resource: resourceOf(route.url),
    when: CHANGES_NOTHING.has(method) ? 'after' : 'before',
    ...(idParameter !== undefined && { idParameter }),
    ...(patientParameter !== undefined && { patientParameter }),
    ...(action === undefined && route.config?.signedIn !== true && { isGuessed: true }),
    ...said,
  };
}

/** `/api/patients/:id/vitals` is about a patient's vitals, `/api/alerts/:id` about an alert. */
function resourceOf(url: string): string {
  const words = url.split('/').filter((part) => part !== '' && part !== 'api' && !/^[:*]/.test(part));
  return words.length === 0
    ? 'house'
    : words
        .slice(-2)
        .join('.')
        .replaceAll(/[^a-zA-Z0-9.-]/g, '-');
}

function patientParameterOf(url: string): string | undefined {
  return /\/patients\/:(\w+)/i.exec(url)?.[1];
}
