import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, request } from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { copyCluster } from '../../server/src/adapters/postgres/test-cluster.ts';
import { runHere } from '../../server/src/apps/cli/test-command-line.ts';

/**
 * The product as its users have it: the program in a process of its own, reached only through its public interface
 * (command line, MQTT, HTTPS).
 */
export interface RunningServer {
  readonly pid: number;
  readonly https: string;
  readonly mqtts: string;
  /** Everything it has logged, for a failing test to show. */
  log(): string;
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>;
  /** SIGKILL: the power is gone. */
  kill(): Promise<void>;
  /** Resolves when it ends by itself. */
  readonly ended: Promise<number | null>;
}

/** Long for a start on a busy machine, and less than a hook may take: who waits longer says what the server was doing. */
const START_MAX_MS = 100_000;

const MAIN = fileURLToPath(new URL('../../server/bin/healthsync.js', import.meta.url));

export interface Installation {
  readonly folder: string;
  readonly mqttPort: number;
  readonly httpsPort: number;
  start(env?: Readonly<Record<string, string>>): Promise<RunningServer>;
  /**
   * `healthsync …` with `--json`; answers with what it printed. Rejects on a non-zero exit. Here a command runs in the
   * test's own process, which saves it the second of a core that a program takes to begin.
   */
  cli(...args: readonly string[]): Promise<unknown>;
  /** The same as people have it, as a program. */
  cliProcess(...args: readonly string[]): Promise<unknown>;
  /** One HTTPS request under this installation's own CA. */
  fetch(
    path: string,
    options?: { readonly method?: string; readonly token?: string; readonly body?: unknown },
  ): Promise<{
    readonly status: number;
    readonly body: unknown;
    /** As the audit log calls the request. */
    readonly requestId: string;
  }>;
  readonly ca: () => string;
  remove(): Promise<void>;
}

/** `from: 'nothing'`: its first start lays out its database, as the first start of any installation does. */
export async function install(
  baseEnv: Readonly<Record<string, string>> = {},
  { from = 'laid out' }: { readonly from?: 'nothing' | 'laid out' } = {},
): Promise<Installation> {
  const folder = await mkdtemp(join(tmpdir(), 'healthsync-e2e-'));
  const [mqttPort, httpsPort] = [await freePort(), await freePort()];
  const own = {
    HEALTHSYNC_DATA: folder,
    HEALTHSYNC_MQTT_PORT: String(mqttPort),
    HEALTHSYNC_HTTPS_PORT: String(httpsPort),
    ...baseEnv,
  };
  const env = { ...process.env, ...own };
  if (from === 'laid out' && !('DATABASE_URL' in baseEnv)) await copyCluster(folder);
  const running = new Set<ChildProcess>();
  let agent: Agent | undefined;
  const ca = () => readFileSync(join(folder, 'pki', 'server-ca.pem'), 'utf8');

  return {
    folder,
    mqttPort,
    httpsPort,
    ca,
    async start(more = {}) {
      const child = spawn(process.execPath, [MAIN, 'start'], {
        env: { ...env, ...more },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      running.add(child);
      let log = '';
      child.stderr.on('data', (chunk: Buffer) => {
        log = (log + chunk.toString()).slice(-200_000);
      });
      const ended = once(child, 'exit').then(([code]) => {
        running.delete(child);
        return code as number | null;
      });
      const ready = await Promise.race([
        firstLine(child),
        ended.then((code) => Promise.reject(new Error(`ended with ${code}\n${log}`))),
        sleep(START_MAX_MS, undefined, { ref: false }).then(() => Promise.reject(new Error(`not ready\n${log}`))),
      ]);
      const { https, mqtts } = JSON.parse(ready);
      return {
        pid: child.pid ?? 0,
        https,
        mqtts,
        log: () => log,
        ended,
        stop() {
          child.kill('SIGTERM');
          return ended;
        },
        async kill() {
          child.kill('SIGKILL');
          await ended;
        },
      };
    },
    async cli(...args) {
      const { code, out, err } = await runHere([...args, '--json'], { env: own });
      if (code !== 0) throw new Error(`healthsync ${args.join(' ')}: ${code}\n${out}\n${err}`);
      return out.trim() === '' ? undefined : JSON.parse(out);
    },
    cliProcess(...args) {
      return new Promise((resolve, reject) => {
        execFile(process.execPath, [MAIN, ...args, '--json'], { env }, (error, stdout, stderr) => {
          if (error === null) resolve(stdout.trim() === '' ? undefined : JSON.parse(stdout));
          else reject(new Error(`healthsync ${args.join(' ')}: ${error.message}\n${stdout}\n${stderr}`));
        });
      });
    },
    async fetch(path, options = {}) {
      agent ??= new Agent({ ca: ca(), keepAlive: true });
      const call = request({
        agent,
        host: 'localhost',
        port: httpsPort,
        path,
        method: options.method ?? 'GET',
        headers: {
          ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
          ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
        },
      });
      call.end(options.body === undefined ? undefined : JSON.stringify(options.body));
      const [response] = await once(call, 'response');
      const body = await text(response);
      return {
        status: response.statusCode,
        requestId: response.headers['x-request-id'] ?? '',
        body: body.startsWith('{') || body.startsWith('[') ? JSON.parse(body) : body,
      };
    },
    async remove() {
      agent?.destroy();
      await Promise.all(
        [...running].map((child) => {
          child.kill('SIGTERM');
          return once(child, 'exit');
        }),
      );
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The ids of the patient's readings of the last hour, page by page, as often as history holds them. */
export async function readingIdsOf(home: Installation, patientId: string, token: string): Promise<readonly string[]> {
  const ids: string[] = [];
  for (let from: string | undefined = new Date(Date.now() - 3_600_000).toISOString(); from !== undefined; ) {
    const to = new Date(Date.now() + 120_000).toISOString();
    const { status, body } = await home.fetch(`/api/patients/${patientId}/vitals?from=${from}&to=${to}`, { token });
    if (status !== 200) throw new Error(`history answers ${status}`);
    const page = body as { readings: { id: string }[]; next?: string };
    ids.push(...page.readings.map(({ id }) => id));
    from = page.next;
  }
  return ids;
}

/** Waits until `check` answers with something; fails with `what` after `maxMs`. */
export async function eventually<T>(what: string, check: () => Promise<T | undefined>, maxMs = 60_000): Promise<T> {
  for (const endMs = Date.now() + maxMs; Date.now() < endMs; ) {
    const answer = await check();
    if (answer !== undefined) return answer;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${what}: not within ${maxMs} ms`);
}

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    let out = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      out += chunk.toString();
      const end = out.indexOf('\n');
      if (end >= 0) resolve(out.slice(0, end));
    });
  });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return typeof address === 'object' && address !== null ? address.port : 0;
}
