import { callHttps } from './https-call.ts';
import { jsonOf } from './json-answer.ts';

/** Entra ID gives no token: a wrong or expired secret, which is ours to put right, or a passing trouble of its own. */
export class TokenRefused extends Error {
  override readonly name = 'TokenRefused';
  readonly reason: string;
  constructor(reason: string) {
    super('no token for the Bot Connector');
    this.reason = reason;
  }
}

/** Tokens live for an hour or a day; one is renewed before a message could be under way with one that has ended. */
const RENEW_BEFORE_MS = 300_000;

/**
 * The token with which the bot speaks to the connector (learn.microsoft.com/azure/bot-service/rest-api
 * /bot-framework-rest-connector-authentication, "single tenant"). Asked for once, however many wait for it.
 */
export function createTeamsToken(settings: {
  readonly appId: string;
  readonly appSecret: string;
  readonly tenantId: string;
  readonly loginUrl: URL;
  readonly ca?: string;
  readonly now: () => number;
}) {
  const { appId, appSecret, tenantId, loginUrl, ca, now } = settings;
  let held: { readonly token: string; readonly untilMs: number } | undefined;
  let asking: Promise<string> | undefined;

  async function ask(): Promise<string> {
    const answer = await callHttps({
      url: new URL(`${encodeURIComponent(tenantId)}/oauth2/v2.0/token`, loginUrl),
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: appId,
        client_secret: appSecret,
        scope: 'https://api.botframework.com/.default',
      }).toString(),
      // Not the signal of one message: others wait for the same token.
      signal: AbortSignal.timeout(ASK_MS),
      ...(ca === undefined ? {} : { ca }),
    });
    const said = (jsonOf(answer) ?? {}) as Readonly<Record<string, unknown>>;
    const { access_token: token, expires_in: seconds, error } = said;
    if (answer.status !== 200 || typeof token !== 'string' || typeof seconds !== 'number') {
      const code = typeof error === 'string' && /^[a-z_]{1,60}$/.test(error) ? error : `HTTP ${answer.status}`;
      throw new TokenRefused(`sign-in: ${code}`);
    }
    held = { token, untilMs: now() + seconds * 1_000 - RENEW_BEFORE_MS };
    return token;
  }

  return {
    async get(signal: AbortSignal): Promise<string> {
      signal.throwIfAborted();
      if (held !== undefined && held.untilMs > now()) return held.token;
      asking ??= ask().finally(() => {
        asking = undefined;
      });
      return untilAborted(asking, signal);
    },
    forget(): void {
      held = undefined;
    },
  };
}

const ASK_MS = 10_000;

function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
