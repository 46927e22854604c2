import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { copyCluster } from '../adapters/postgres/test-cluster.ts';
import type { Role } from '../domain/access.ts';
import type { BedId, PatientId, TenantId, UserId, WardId } from '../domain/ids.ts';
import { createSessions } from '../identity/sessions.ts';
import type { Log } from '../telemetry/log.ts';
import { type AllInOne, startAllInOne } from './all-in-one.ts';
import { withOpenData } from './open-data.ts';
import { readSettings, type Settings } from './settings.ts';

/** The whole program as it starts, asked over TLS by people of a test. */
export interface TestProgram {
  readonly settings: Settings;
  /** The HTTP side itself, and how it is reached from outside. */
  readonly app: AllInOne['app'];
  readonly https: string;
  readonly mqtts: string;
  /** With what they are signed in. */
  secretOf(who: string): string;
  /** What somebody asks; `who: undefined` is a stranger. The answer's body is not read. */
  open(who: string | undefined, path: string, how?: Asking): Promise<IncomingMessage>;
  call(who: string | undefined, method: string, path: string, sent?: unknown, headers?: Headers): Promise<Answer>;
  stop(): Promise<void>;
}

export interface TestPerson {
  readonly name: string;
  readonly roles: readonly Role[];
  readonly wardIds: readonly string[];
  /** Made where there is none yet. */
  readonly tenantId?: string;
}

type Headers = Readonly<Record<string, string>>;

interface Asking {
  readonly method?: string;
  readonly sent?: unknown;
  readonly headers?: Headers;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** As it came; empty for a stream, of which only is asked that it opened. */
  readonly raw: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever came back
  readonly body: any;
}

/** Two wards, `A` and `B`, with a bed and a patient each: `PA` and `PB`, of the family Zephyrin. */
export async function startTestProgram(
  people: readonly TestPerson[],
  variables: Readonly<Record<string, string>> = {},
  log?: Log,
): Promise<TestProgram> {
  const folder = await mkdtemp(join(tmpdir(), 'healthsync-program-'));
  const read = readSettings(
    {
      HEALTHSYNC_DATA: join(folder, 'd'),
      HEALTHSYNC_MQTT_PORT: '0',
      HEALTHSYNC_HTTPS_PORT: '0',
      HEALTHSYNC_LOG_LEVEL: 'error',
      // Sessions are made here without signing in, by nothing but a password.
      HEALTHSYNC_SECOND_FACTOR_ROLES: 'none',
      HEALTHSYNC_EMERGENCY_PROOF: 'password',
      ...variables,
    },
    (path) => readFileSync(path, 'utf8'),
  );
  if (read.kind !== 'ok') throw new Error(JSON.stringify(read));
  const { settings } = read;
  // That it lays its database out by itself, tests of the program as a process show.
  if (settings.databaseUrl === undefined) await copyCluster(settings.dataFolder);
  const program = await startAllInOne(settings, log);
  const secrets = await furnish(settings, people);
  // It is told of changes, a moment later: what is asked next is asked of what was furnished.
  await program.rereadRegistry();
  const agent = new Agent({ ca: readFileSync(join(folder, 'd', 'pki', 'server-ca.pem')), keepAlive: true });
  const origin = program.https.replace(/\/\/[^:]+/, '//localhost');

  async function open(who: string | undefined, path: string, { method = 'GET', sent, headers = {} }: Asking = {}) {
    const secret = who === undefined ? undefined : secrets.get(who);
    const payload = sent === undefined ? undefined : JSON.stringify(sent);
    const asked = request(`${origin}${path}`, {
      agent,
      method,
      headers: {
        ...(secret !== undefined && { authorization: `Bearer ${secret}` }),
        ...(payload !== undefined && {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(payload),
        }),
        ...headers,
      },
    });
    asked.end(payload);
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    return response;
  }

  return {
    settings,
    app: program.app,
    https: origin,
    mqtts: program.mqtts,
    secretOf(who) {
      const secret = secrets.get(who);
      if (secret === undefined) throw new Error('nobody of that name is signed in');
      return secret;
    },
    open,
    async call(who, method, path, sent, headers = {}) {
      const response = await open(who, path, { method, sent, headers });
      const type = response.headers['content-type'] ?? '';
      const answer = { status: response.statusCode as number, headers: response.headers as Record<string, string> };
      if (type.startsWith('text/event-stream')) {
        response.destroy();
        return { ...answer, raw: '', body: undefined };
      }
      const raw = await text(response);
      return { ...answer, raw, body: /json/.test(type) ? JSON.parse(raw) : raw };
    },
    async stop() {
      agent.destroy();
      await program.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The wards and the people, who are signed in; answers with the secret of each. */
async function furnish(settings: Settings, people: readonly TestPerson[]): Promise<ReadonlyMap<string, string>> {
  const secrets = new Map<string, string>();
  await withOpenData(settings, Date.now, async ({ registry, accounts, tenants }) => {
    for (const id of new Set(people.flatMap(({ tenantId }) => tenantId ?? [])))
      await tenants.add({ id: id as TenantId, name: id });
    for (const ward of ['A', 'B'] as WardId[]) {
      await registry.putWard({ id: ward, name: `Ward ${ward}` });
      await registry.putBed({ id: `${ward}-1` as BedId, wardId: ward, label: `${ward}-01` });
      await registry.putPatient({
        id: `P${ward}` as PatientId,
        familyName: `Zephyrin${ward}`,
        bedId: `${ward}-1` as BedId,
      });
    }
    const sessions = createSessions({ accounts, now: Date.now });
    for (const { name, roles, wardIds, tenantId } of people) {
      const user = {
        id: `u-${name}` as UserId,
        name,
        displayName: name,
        roles,
        wardIds: wardIds as WardId[],
        ...(tenantId !== undefined && { tenantId: tenantId as TenantId }),
      };
      await accounts.putUser(user);
      // A system shows a token; people and screens have sessions.
      const { secret } = roles.includes('integration')
        ? await sessions.createApiToken(user, 3_600_000)
        : await sessions.open(user, { factors: ['password'] });
      secrets.set(name, secret);
    }
  });
  return secrets;
}
