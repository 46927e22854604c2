import { readFile } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { sha256Of } from '../../identity/secrets.ts';
import { createSessions } from '../../identity/sessions.ts';
import type { Accounts, User } from '../../ports/accounts.ts';
import type { Settings } from '../settings.ts';
import { type CommandContext, Refusal } from './command.ts';

/** Long enough for one call; revoked right after it. */
const TOKEN_MS = 60_000;
const CALL_TIMEOUT_MS = 30_000;
/** A page of anything we ask for; more than that is no answer of ours. */
const ANSWER_MAX = 1_048_576;

/**
 * One call to the running server in somebody's name, for what the server alone can do: it writes the log, rings, and
 * tells people. Throws `Refusal` where no server answers.
 */
export async function callServer(
  { now }: Pick<CommandContext, 'now'>,
  settings: Settings,
  accounts: Accounts,
  call: { readonly method?: 'GET' | 'POST'; readonly path: string; readonly as: User; readonly body?: object },
): Promise<{ readonly status: number; readonly body: string }> {
  const { secret } = await createSessions({ accounts, now }).createApiToken(call.as, TOKEN_MS);
  try {
    return await send(settings, call, secret);
  } finally {
    await accounts.revokeToken(sha256Of(secret), now());
  }
}

/** An answer of the server; empty where it is not JSON. */
export function parsed(body: string): object {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}

async function send(
  settings: Settings,
  { method = 'POST', path, body: sent }: { readonly method?: string; readonly path: string; readonly body?: object },
  token: string,
): Promise<{ status: number; body: string }> {
  const payload = sent === undefined ? '' : JSON.stringify(sent);
  const own = await readFile(join(settings.dataFolder, 'pki', 'server-ca.pem'), 'utf8').catch(() => '');
  const isPublic = settings.httpsCertificate !== undefined;
  const host = isPublic ? (settings.serverNames[0] ?? 'localhost') : 'localhost';
  return new Promise((resolve, reject) => {
    const call = request(
      {
        host,
        port: settings.httpsPort,
        path,
        method,
        ca: isPublic ? [...rootCertificates] : own,
        timeout: CALL_TIMEOUT_MS,
        headers: {
          authorization: `Bearer ${token}`,
          'content-length': Buffer.byteLength(payload),
          ...(payload === '' ? {} : { 'content-type': 'application/json' }),
        },
      },
      (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (chunk: string) => {
          body = (body + chunk).slice(0, ANSWER_MAX);
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
      },
    );
    call.on('timeout', () => call.destroy(new Error('timeout')));
    call.on('error', (error: NodeJS.ErrnoException) =>
      reject(
        new Refusal(
          `no server answers on https://${host}:${settings.httpsPort} (${error.code ?? error.message}); start it first`,
        ),
      ),
    );
    call.end(payload);
  });
}
