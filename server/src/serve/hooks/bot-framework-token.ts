import type { KeyObject } from 'node:crypto';
import { jwtVerify } from 'jose';

/** A key with which the Bot Framework signs what it sends for the channels that endorse it. */
export interface SigningKey {
  readonly key: KeyObject;
  readonly endorsements: readonly string[];
}

export interface VerifiedSender {
  /** The activity must name the same, or the token was taken from another conversation. */
  readonly serviceUrl: string;
}

/**
 * Whether a request comes from the Bot Connector, for us, for Teams, and now: every one of the seven requirements of
 * learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-authentication ("connector to bot"). The
 * seventh, that the activity's `serviceUrl` is the token's, is for whoever reads the activity. Undefined: no.
 */
export async function verifyBotFrameworkToken(
  authorization: string | undefined,
  expected: {
    /** Our bot's application id. */
    readonly appId: string;
    readonly keyOf: (kid: string) => Promise<SigningKey | undefined>;
    readonly now: () => number;
  },
): Promise<VerifiedSender | undefined> {
  const token = /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/.exec(authorization ?? '')?.[1];
  if (token === undefined || token.length > TOKEN_MAX) return undefined;
  const kid = kidOf(token);
  const key = kid === undefined ? undefined : await expected.keyOf(kid);
  if (key === undefined || !key.endorsements.includes('msteams')) return undefined;
  try {
    const { payload } = await jwtVerify(token, key.key, {
      issuer: 'https://api.botframework.com',
      audience: expected.appId,
      // The only one the metadata names; never `none`, never one that would take the public key for a secret.
      algorithms: ['RS256'],
      clockTolerance: SKEW_SECONDS,
      requiredClaims: ['exp', 'serviceurl'],
      currentDate: new Date(expected.now()),
    });
    const { serviceurl: serviceUrl } = payload as { readonly serviceurl?: unknown };
    return typeof serviceUrl === 'string' ? { serviceUrl } : undefined;
  } catch {
    return undefined;
  }
}

/** "Industry-standard clock-skew is 5 minutes." */
const SKEW_SECONDS = 300;
/** Those of the connector are below 2,000 characters. */
const TOKEN_MAX = 8_192;

function kidOf(token: string): string | undefined {
  try {
    const header: unknown = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString());
    const { kid } = (header ?? {}) as { readonly kid?: unknown };
    return typeof kid === 'string' && kid.length <= 200 ? kid : undefined;
  } catch {
    return undefined;
  }
}
