import type { FastifyInstance, RouteOptions } from 'fastify';
import { ACTION_NAMES, type Action } from '../../server/src/domain/access.ts';
import { exampleOf } from './example.ts';

/** A route of the program, by one method, and everything in a request to it that somebody else can write. */
export interface Endpoint {
  readonly method: string;
  readonly url: string;
  readonly asks: Action | 'signed-in' | 'device' | 'public';
  /** What it understands, as far as its schemas say. */
  readonly valid: Asked;
  readonly slots: readonly Slot[];
}

export interface Asked {
  readonly path: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** Instead of a body: as it is. */
  readonly raw?: string;
}

/** One place in a request. */
export interface Slot {
  readonly name: string;
  readonly isHeader: boolean;
  fill(asked: Asked, text: string): Asked;
}

/** With what the paths' parameters are filled, so that there is something at them. */
export type Known = (url: string, parameter: string) => string;

export function endpointsOf(routes: FastifyInstance['routeList'], known: Known): readonly Endpoint[] {
  return routes
    .flatMap((route) => [route.method].flat().map((method) => ({ route, method })))
    .filter(({ method }) => method !== 'HEAD')
    .map(({ route, method }) => endpointOf(route, method, known));
}

function endpointOf(route: RouteOptions, method: string, known: Known): Endpoint {
  const schema = (route.schema ?? {}) as { readonly querystring?: unknown; readonly body?: unknown };
  const parameters = [...route.url.matchAll(/:(\w+)|\*/g)].map(([star, name]) => name ?? star);
  const hasBody = !['GET', 'OPTIONS'].includes(method);
  const valid: Asked = {
    path: Object.fromEntries(parameters.map((name) => [name, known(route.url, name)])),
    query: BY_URL[route.url]?.query ?? textsOf(exampleOf(schema.querystring), ONE_PAGE),
    headers: BY_URL[route.url]?.headers ?? {},
    ...(hasBody && { body: BY_URL[route.url]?.body ?? (schema.body === undefined ? {} : exampleOf(schema.body)) }),
    ...(hasBody && BY_URL[route.url]?.raw !== undefined && { raw: BY_URL[route.url]?.raw as string }),
  };
  const queried = Object.keys((schema.querystring as { readonly properties?: object } | undefined)?.properties ?? {});
  return { method, url: route.url, asks: asksOf(route), valid, slots: slotsOf(valid, hasBody, queried) };
}

/** What no schema of ours describes, since others read it; and where not everything optional goes together. */
const FORM = { 'content-type': 'application/x-www-form-urlencoded' } as const;
const BY_URL: Readonly<Record<string, Partial<Asked>>> = {
  '/oidc/*': {
    headers: FORM,
    query: {
      client_id: 'app',
      redirect_uri: 'https://app.example.org/back',
      response_type: 'code',
      scope: 'openid launch/patient patient/*.read',
      state: 'state',
      nonce: 'nonce',
      code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
      code_challenge_method: 'S256',
      aud: 'https://localhost/fhir',
      launch: 'launch',
      prompt: 'login',
      max_age: '60',
    },
    raw: `${new URLSearchParams({
      grant_type: 'authorization_code',
      code: 'code',
      client_id: 'app',
      redirect_uri: 'https://app.example.org/back',
      code_verifier: 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk',
      refresh_token: 'refresh',
      token: 'token',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: 'eyJhbGciOiJFUzI1NiJ9.e30.AAAA',
      scope: 'openid',
    })}`,
  },
  '/api/csp-reports': { headers: { 'content-type': 'application/csp-report' } },
  '/api/devices/:id/commands': { body: { command: 'beep' } },
  '/api/devices/:id/revoke': { body: { reason: 'lost' } },
  '/api/break-glass': { body: { patientId: 'PA', reason: 'unresponsive in the corridor', minutes: 5 } },
  '/api/patients/:id/consents': { body: { purpose: 'research', decision: 'permit', from: '2026-01-01T00:00:00Z' } },
  '/api/clients': {
    body: {
      id: 'example',
      kind: 'app',
      name: 'Example',
      redirectUris: ['https://app.example.org/back'],
      scopes: ['openid'],
    },
  },
  '/fhir/Consent': {
    query: { patient: 'Patient/PA' },
    body: {
      resourceType: 'Consent',
      status: 'active',
      scope: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'research' }] },
      category: [{ coding: [{ system: 'http://loinc.org', code: '59284-0' }] }],
      patient: { reference: 'Patient/PA' },
      dateTime: '2026-01-01T00:00:00Z',
      policyRule: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'OPTIN' }] },
      provision: { type: 'permit' },
    },
  },
  '/scim/v2/Users': { query: { filter: 'userName eq "nora"', startIndex: '1', count: '10' } },
  '/scim/v2/Groups': { query: { filter: 'displayName eq "Nurses"', startIndex: '1', count: '10' } },
};

function asksOf({ config = {} }: RouteOptions): Endpoint['asks'] {
  if (config.action !== undefined && ACTION_NAMES.includes(config.action)) return config.action;
  if (config.signedIn === true) return 'signed-in';
  return config.device === true ? 'device' : 'public';
}

export const NAME_OF_FIELD = 'body name of a field';

const HEADERS = [
  'accept',
  'accept-language',
  'authorization',
  'content-encoding',
  'content-type',
  'cookie',
  'forwarded',
  'host',
  'if-match',
  'if-none-match',
  'last-event-id',
  'origin',
  'range',
  'referer',
  'sec-fetch-site',
  'traceparent',
  'user-agent',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-http-method-override',
  'x-original-url',
  'x-purpose-of-use',
  'x-request-id',
  'x-tenant-id',
] as const;

const COOKIES = ['', '-pending', '-browser'].map((what) => `__Host-healthsync${what}`);

function slotsOf(valid: Asked, hasBody: boolean, more: readonly string[]): readonly Slot[] {
  const paths = Object.keys(valid.path).map((name) =>
    slot(`path ${name}`, (asked, text) => ({ ...asked, path: { ...asked.path, [name]: text } })),
  );
  const queries = [...new Set([...Object.keys(valid.query), ...more, 'unknown'])].map((name) =>
    slot(`query ${name}`, (asked, text) => ({ ...asked, query: { ...asked.query, [name]: text } })),
  );
  const headers = [
    ...HEADERS.map((name) =>
      slot(
        `header ${name}`,
        (asked, text) => withHeader(asked, name, `${name === 'authorization' ? 'Bearer ' : ''}${text}`),
        true,
      ),
    ),
    ...COOKIES.map((name) =>
      slot(`cookie ${name}`, (asked, text) => withHeader(asked, 'cookie', `${name}=${text}`), true),
    ),
  ];
  const filter = valid.query['filter'];
  const filters =
    filter === undefined
      ? []
      : [
          slot('within filter', (asked, text) => ({
            ...asked,
            query: { ...asked.query, filter: filter.replace(/"\w+"/, `"${text}"`) },
          })),
        ];
  return [...paths, ...queries, ...filters, ...(hasBody ? bodySlots(valid) : []), ...headers];
}

function bodySlots(valid: Asked): readonly Slot[] {
  if (valid.raw !== undefined)
    return [...new URLSearchParams(valid.raw).keys()].map((name) =>
      slot(`form ${name}`, (asked, text) => {
        const form = new URLSearchParams(asked.raw);
        form.set(name, text);
        return { ...asked, raw: `${form}` };
      }),
    );
  return [
    ...leavesOf(valid.body).map((path) =>
      slot(`body ${path.join('.')}`, (asked, text) => ({ ...asked, body: replaced(asked.body, path, text) })),
    ),
    // A field nobody knows, by that name: written out, since an object of ours would take `__proto__` to heart.
    slot(NAME_OF_FIELD, (asked, text) => {
      const known = JSON.stringify(asked.body).slice(1, -1);
      return { ...asked, raw: `{${known}${known === '' ? '' : ','}${JSON.stringify(text)}:1}` };
    }),
    slot('body itself', (asked, text) => ({ ...asked, raw: text })),
    slot('body as text', (asked, text) => ({ ...asked, body: text })),
  ];
}

/** Where texts, numbers and the like stand in a body. */
function leavesOf(value: unknown, path: readonly string[] = []): readonly (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [path];
  return Object.entries(value).flatMap(([name, each]) => leavesOf(each, [...path, name]));
}

function replaced(value: unknown, path: readonly string[], text: string): unknown {
  const [name, ...rest] = path;
  if (name === undefined) return text;
  const within = (value as Record<string, unknown>)[name];
  if (Array.isArray(value))
    return value.map((each, index) => (String(index) === name ? replaced(each, rest, text) : each));
  return { ...(value as object), [name]: replaced(within, rest, text) };
}

const slot = (name: string, fill: Slot['fill'], isHeader = false): Slot => ({ name, isHeader, fill });

function withHeader(asked: Asked, name: string, text: string): Asked {
  return { ...asked, headers: { ...asked.headers, [name]: headerText(text) } };
}

/** As its bytes come over the wire. What ends a header would end the request: that is tried on a socket elsewhere. */
export const headerText = (text: string): string => Buffer.from(text.replaceAll(/[\0\r\n]/g, ' ')).toString('latin1');

/** Where a list goes on is told by the page before. */
const ONE_PAGE: readonly string[] = ['cursor', 'before', 'after'];

function textsOf(value: unknown, without: readonly string[]): Readonly<Record<string, string>> {
  const known = Object.entries(value ?? {}).filter(([name]) => !without.includes(name));
  return Object.fromEntries(known.map(([name, each]) => [name, String(each)]));
}
