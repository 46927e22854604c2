import { rolesFor } from '../../server/src/access/role-decisions.ts';
import { withOpenData } from '../../server/src/apps/open-data.ts';
import { startTestProgram, type TestPerson, type TestProgram } from '../../server/src/apps/test-program.ts';
import { ACCOUNT_ROLES, type Role } from '../../server/src/domain/access.ts';
import type { DeviceId, PatientId } from '../../server/src/domain/ids.ts';
import { newSecret, sha256Of } from '../../server/src/identity/secrets.ts';
import { createSessions } from '../../server/src/identity/sessions.ts';
import { createLog } from '../../server/src/telemetry/log.ts';
import { type Asked, type Endpoint, endpointsOf } from './endpoints.ts';
import { type Answer, type AskAs, type Furnished, furnish, inPath, LOST_DEVICE } from './furnishing.ts';

/** The whole program with something in it to attack: patients, alarms, devices, keys, consents, rotas, apps. */
export interface World {
  readonly program: TestProgram;
  /** Every one there is, with what lies in ward A. */
  readonly endpoints: readonly Endpoint[];
  readonly A: Furnished;
  readonly B: Furnished;
  /** Everything it has logged, as it would stand on stderr. */
  readonly logged: readonly string[];
  /** Asks without a socket, as somebody whom the endpoint lets in; or as `who`, `undefined` being a stranger. */
  ask(endpoint: Endpoint, asked: Asked, who?: { readonly secret: string | undefined }): Promise<Answer>;
  /** What somebody asks whom the program lets do anything, for setting up. */
  readonly as: AskAs;
  stop(): Promise<void>;
}

/** Every list comes twice, and some more; after that it is asked by nobody. */
const SIGN_OUTS = 500;
const nameOf = (role: Role): string => `all-${role}`;
const WARDS = ['A', 'B'] as const;
const PEOPLE: readonly TestPerson[] = [
  ...ACCOUNT_ROLES.map((role) => ({ name: nameOf(role), roles: [role], wardIds: [] })),
  { name: 'target-A', roles: ['nurse'], wardIds: ['A'] },
  { name: 'target-B', roles: ['nurse'], wardIds: ['B'] },
  { name: 'bystander', roles: ['physician'], wardIds: ['A'] },
];

export async function startWorld(people: readonly TestPerson[] = []): Promise<World> {
  const logged: string[] = [];
  const log = createLog({ level: 'debug', destination: { write: (line) => void logged.push(line) } });
  const program = await startTestProgram([...PEOPLE, ...people], LIMITS, log);
  try {
    return await furnished(program, logged);
  } catch (error) {
    await program.stop();
    throw error;
  }
}

async function furnished(program: TestProgram, logged: readonly string[]): Promise<World> {
  const { app } = program;
  const secretOf = (role: Role): string => program.secretOf(nameOf(role));
  const tokens = await enrolDevices(program);

  async function send(method: string, url: string, headers: Asked['headers'], payload?: string): Promise<Answer> {
    const startedMs = performance.now();
    const answer = await app.inject({
      method: method as 'GET',
      url,
      headers,
      ...(payload !== undefined && { payload }),
      remoteAddress: nextAddress(),
    });
    return {
      status: answer.statusCode,
      headers: answer.headers as Record<string, string>,
      text: answer.payload,
      ms: performance.now() - startedMs,
    };
  }

  function signIn(role: Role, times: number): Promise<readonly string[]> {
    return withOpenData(program.settings, Date.now, async ({ accounts }) => {
      const user = await accounts.findUser(nameOf(role));
      if (user === undefined) throw new Error(`nobody is ${role}`);
      const sessions = createSessions({ accounts, now: Date.now });
      const opened = Array.from({ length: times }, () => sessions.open(user, { factors: ['password'] }));
      return (await Promise.all(opened)).map(({ secret }) => secret);
    });
  }

  const as: World['as'] = (role, method, url, body) =>
    send(
      method,
      url,
      {
        authorization: `Bearer ${secretOf(role)}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      body === undefined ? undefined : JSON.stringify(body),
    );
  const things: Record<string, Furnished> = {};
  for (const ward of WARDS)
    things[ward] = await furnish(as, ward, (text) => send('POST', '/ingest/readings', deviceHeaders(ward), text));
  const { A, B } = things as { readonly A: Furnished; readonly B: Furnished };

  function deviceHeaders(ward: string): Asked['headers'] {
    return { authorization: `Bearer ${tokens.get(ward)}`, 'content-type': 'application/json' };
  }

  /** A session that is signed out of is not missed by the others. */
  const spare = [...(await signIn('charge-nurse', SIGN_OUTS))];

  function credentialsOf(endpoint: Endpoint): string | undefined {
    const { asks, url } = endpoint;
    if (asks === 'public') return undefined;
    if (asks === 'device') return tokens.get('A');
    if (isSignOut(endpoint)) return spare.pop();
    const role = asks === 'signed-in' ? 'charge-nurse' : whoMay(asks, url);
    return secretOf(role);
  }

  return {
    program,
    endpoints: endpointsOf(app.routeList, inPath(A)),
    A,
    B,
    logged,
    as,
    async ask(endpoint, asked, who) {
      const secret = who === undefined ? credentialsOf(endpoint) : who.secret;
      const payload = asked.raw ?? (asked.body === undefined ? undefined : JSON.stringify(asked.body));
      return send(
        endpoint.method,
        urlOf(endpoint.url, asked),
        {
          ...(secret !== undefined && { authorization: `Bearer ${secret}` }),
          ...(payload !== undefined && { 'content-type': typeOf(endpoint.url) }),
          ...(who === undefined && isOfOwnFactors(endpoint) && fromBrowser(secretOf('charge-nurse'))),
          ...asked.headers,
        },
        payload,
      );
    },
    stop: () => program.stop(),
  };
}

const isSignOut = ({ method, url }: Endpoint): boolean => method === 'DELETE' && url === '/api/session';
/** Public, since somebody may be about to sign in; for who is in, it goes by cookie. */
const isOfOwnFactors = ({ url }: Endpoint): boolean => url.startsWith('/api/session/factors');
export const fromBrowser = (secret: string): Asked['headers'] => ({
  cookie: `__Host-healthsync=${secret}`,
  'sec-fetch-site': 'same-origin',
});

/** What is tried here a hundred thousand times in a minute is never tried by one person: limits would hide the rest. */
const LIMITS = {
  HEALTHSYNC_DEVICE_RATE_MAX: '10000',
  HEALTHSYNC_CALLER_REQUESTS_PER_MINUTE: '10000000',
  HEALTHSYNC_SERVER_NAMES: 'localhost',
  // Channels, so that their hooks are there; nobody listens behind them.
  HEALTHSYNC_SMTP_URL: 'smtps://user:password@localhost:1',
  HEALTHSYNC_SMTP_FROM: 'alarms@example.org',
  HEALTHSYNC_SLACK_BOT_TOKEN: 'xoxb-0000000000',
  HEALTHSYNC_SLACK_SIGNING_SECRET: '0123456789abcdef0123456789abcdef',
  HEALTHSYNC_SLACK_API_URL: 'https://localhost:1/api/',
  HEALTHSYNC_PAGERDUTY_SERVICES: `icu=${'0'.repeat(32)}`,
  HEALTHSYNC_PAGERDUTY_EVENTS_URL: 'https://localhost:1/v2/enqueue',
  HEALTHSYNC_PAGERDUTY_WEBHOOK_SECRETS: 's'.repeat(32),
};

/** Guesses are counted by address. */
let addresses = 0;
const nextAddress = (): string => {
  addresses = (addresses + 1) % 60_000;
  return `10.1.${addresses >> 8}.${addresses & 255}`;
};

export function urlOf(url: string, { path, query }: Asked): string {
  const filled = url.replaceAll(/:(\w+)|\*/g, (star, name) => encode(path[name ?? star] ?? ''));
  const parameters = Object.entries(query).map(([name, text]) => `${encode(name)}=${encode(text)}`);
  return parameters.length === 0 ? filled : `${filled}?${parameters.join('&')}`;
}

const encode = (text: string): string => encodeURIComponent(text.toWellFormed());

const typeOf = (url: string): string => {
  if (url.startsWith('/scim/')) return 'application/scim+json';
  return url.startsWith('/fhir/') ? 'application/fhir+json' : 'application/json';
};

/** Who gets furthest: the one for whom most lies behind the door. */
function whoMay(asks: Parameters<typeof rolesFor>[0], url: string): Role {
  const may = rolesFor(asks);
  if (url.startsWith('/scim/') && may.includes('integration')) return 'integration';
  return (['physician', 'charge-nurse', 'admin'] as const).find((role) => may.includes(role)) ?? may[0] ?? 'nurse';
}

/** In each ward a device that a patient wears, and somebody who is spoken of. */
async function enrolDevices(program: TestProgram): Promise<ReadonlyMap<string, string>> {
  const tokens = new Map<string, string>();
  await withOpenData(program.settings, Date.now, async ({ registry }) => {
    const nowMs = Date.now();
    await registry.putDevice({ id: LOST_DEVICE as DeviceId, createdAtMs: nowMs });
    for (const ward of WARDS) {
      const deviceId = `D${ward}` as DeviceId;
      const token = newSecret('device');
      await registry.putDevice({ id: deviceId, createdAtMs: nowMs });
      await registry.assign({ deviceId, patientId: `P${ward}` as PatientId, fromMs: nowMs - 3_600_000 });
      const times = { createdAtMs: nowMs, expiresAtMs: nowMs + 86_400_000 };
      await registry.addDeviceToken({ deviceId, sha256: sha256Of(token), ...times });
      tokens.set(ward, token);
    }
  });
  return tokens;
}
