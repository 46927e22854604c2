import { writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import { install } from '../test/e2e/server.ts';

/**
 * How long signing in takes, asked of the running program over its own HTTPS on kept connections: with a right password,
 * with a wrong one, with a name nobody has (which must look the same), alone and four at once. Milliseconds. One JSON
 * object on stdout.
 *
 *   node bench/sign-in.ts [sign-ins=60]
 */
const count = Number(process.argv[2] ?? 60);
const PASSWORD = 'correct horse battery';

const home = await install({ HEALTHSYNC_LOG_LEVEL: 'error' });
try {
  const server = await home.start();
  const passwordFile = join(home.folder, 'password');
  await writeFile(passwordFile, `${PASSWORD}\n`);
  // Many people, so that the limits on guessing, which count by name, measure nothing.
  const names = Array.from({ length: 8 }, (_, index) => `nurse${index}`);
  for (const name of names) await home.cli('user', 'add', name, '--role', 'nurse', '--password-file', passwordFile);
  const ask = (name: string, password: string) => signIn({ ca: home.ca(), port: home.httpsPort }, name, password);
  for (const name of names) await ask(name, PASSWORD); // warm

  const alone = await measure(count, 1, (index) => ask(names[index % names.length] ?? '', PASSWORD), 200);
  const fourAtOnce = await measure(count, 4, (index) => ask(names[index % names.length] ?? '', PASSWORD), 200);
  // Below the number of failures that one address may have without a pause.
  const wrong = await measure(12, 1, (index) => ask(names[index % names.length] ?? '', 'wrong horse battery'), 401);
  const nobody = await measure(12, 1, (index) => ask(`nobody${index}`, PASSWORD), 401);
  process.stdout.write(`${JSON.stringify({ alone, fourAtOnce, wrong, nobody })}\n`);
  await server.stop();
} finally {
  await home.remove();
}

async function measure(total: number, together: number, once: (index: number) => Promise<number>, expected: number) {
  const times: number[] = [];
  let next = 0;
  await Promise.all(
    Array.from({ length: together }, async () => {
      while (next < total) {
        const index = next++;
        const started = performance.now();
        const status = await once(index);
        if (status !== expected) throw new Error(`answered ${status}`);
        times.push(performance.now() - started);
      }
    }),
  );
  times.sort((a, b) => a - b);
  const at = (share: number) => Number((times[Math.ceil(share * times.length) - 1] ?? 0).toFixed(1));
  return { p50: at(0.5), p95: at(0.95), max: at(1) };
}

function signIn(
  server: { readonly ca: string; readonly port: number },
  name: string,
  password: string,
): Promise<number> {
  const body = JSON.stringify({ name, password });
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        host: 'localhost',
        port: server.port,
        ca: server.ca,
        path: '/api/session',
        method: 'POST',
        headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
      },
      (response) => {
        response.resume();
        response.on('end', () => resolve(response.statusCode ?? 0));
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}
