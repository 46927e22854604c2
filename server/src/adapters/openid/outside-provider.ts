import * as client from 'openid-client';
import { Failure } from '../../ports/failure.ts';
import type { OutsideProvider, VouchedFor } from '../../ports/outside-provider.ts';
import { callHttps } from '../notify/https-call.ts';

export interface OutsideProviderOptions {
  readonly issuer: string;
  readonly clientId: string;
  /** Proves us: a secret of the provider's, or our own signing key, whose public half it reads at our `/oidc/jwks`. */
  readonly proof: { readonly secret: string } | { readonly jwk: Readonly<Record<string, unknown>> };
  readonly redirectUri: string;
  readonly scopes: readonly string[];
  /** The claim that names the groups. */
  readonly groupsClaim: string;
  /** The claim to make a sign-in name of. */
  readonly nameClaim: string;
  /** PEM of a private authority; the system's otherwise. */
  readonly ca?: string;
}

/** Code flow with PKCE, state and nonce (OpenID Connect Core 3.1, RFC 9700), by its discovery document and key set. */
export function createOutsideProvider(options: OutsideProviderOptions): OutsideProvider {
  let discovered: Promise<client.Configuration> | undefined;

  /** Once; again after a failure, and after a day, when its keys and addresses may be others. */
  let discoveredAtMs = 0;
  async function configuration(): Promise<client.Configuration> {
    if (performance.now() - discoveredAtMs > DISCOVERED_MS) discovered = undefined;
    discoveredAtMs = discovered === undefined ? performance.now() : discoveredAtMs;
    discovered ??= discover(options);
    try {
      return await discovered;
    } catch (cause) {
      discovered = undefined;
      throw away(cause);
    }
  }

  return {
    async begin() {
      const config = await configuration();
      const verifier = client.randomPKCECodeVerifier();
      const checks = { state: client.randomState(), nonce: client.randomNonce(), verifier };
      const url = client.buildAuthorizationUrl(config, {
        redirect_uri: options.redirectUri,
        scope: options.scopes.join(' '),
        state: checks.state,
        nonce: checks.nonce,
        code_challenge: await client.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
      });
      return { url: url.href, checks };
    },

    async finish(callback, { state, nonce, verifier }) {
      const config = await configuration();
      // What came back under whatever name we were reached by: the address we gave is the one that counts.
      const current = new URL(options.redirectUri);
      current.search = callback.search;
      try {
        const tokens = await client.authorizationCodeGrant(config, current, {
          expectedState: state,
          expectedNonce: nonce,
          pkceCodeVerifier: verifier,
          idTokenExpected: true,
        });
        const claims = tokens.claims();
        return claims === undefined ? undefined : vouchedFor(claims, options);
      } catch (error) {
        if (isAway(error)) throw away(error);
        return undefined;
      }
    },
  };
}

const DISCOVERED_MS = 86_400_000;
/** A key set or a token with many groups; more is no answer of a provider. */
const ANSWER_MAX_BYTES = 262_144;
const TIMEOUT_MS = 10_000;

async function discover(options: OutsideProviderOptions): Promise<client.Configuration> {
  const { issuer, clientId, proof, ca } = options;
  const config = await client.discovery(new URL(issuer), clientId, undefined, await proofOf(proof), {
    [client.customFetch]: fetchWith(ca),
    timeout: TIMEOUT_MS / 1000,
  });
  config[client.customFetch] = fetchWith(ca);
  config.timeout = TIMEOUT_MS / 1000;
  return config;
}

async function proofOf(proof: OutsideProviderOptions['proof']): Promise<client.ClientAuth> {
  if ('secret' in proof) return client.ClientSecretPost(proof.secret);
  const key = await crypto.subtle.importKey(
    'jwk',
    proof.jwk as import('node:crypto').webcrypto.JsonWebKey,
    { name: 'ECDSA', namedCurve: 'P-256' },
    false,
    ['sign'],
  );
  return client.PrivateKeyJwt({ key, kid: String(proof.jwk['kid']) });
}

/** No redirects, a bound on what is read, and an authority of the house where there is one. */
function fetchWith(ca: string | undefined): client.CustomFetch {
  return async (url, { method, headers, body, signal }) => {
    const answer = await callHttps({
      url: new URL(url),
      method: method as 'GET' | 'POST',
      headers,
      ...(body === undefined || body === null ? {} : { body: String(body) }),
      signal: signal ?? AbortSignal.timeout(TIMEOUT_MS),
      answerMaxBytes: ANSWER_MAX_BYTES,
      ...(ca !== undefined && { ca }),
    });
    const type = answer.headers['content-type'];
    return new Response(answer.body, {
      status: answer.status,
      ...(type !== undefined && { headers: { 'content-type': type } }),
    });
  };
}

function vouchedFor(
  claims: client.IDToken,
  { groupsClaim, nameClaim }: Pick<OutsideProviderOptions, 'groupsClaim' | 'nameClaim'>,
): VouchedFor {
  const text = (name: string) => (typeof claims[name] === 'string' ? (claims[name] as string) : undefined);
  const [name, displayName, email] = [text(nameClaim), text('name'), text('email')];
  const groups = [claims[groupsClaim]].flat().filter((group): group is string => typeof group === 'string');
  const amr = [claims['amr']].flat();
  const shownAt = typeof claims.auth_time === 'number' ? claims.auth_time : claims.iat;
  return {
    issuer: claims.iss,
    subject: claims.sub,
    ...(name !== undefined && { name }),
    ...(displayName !== undefined && { displayName }),
    ...(email !== undefined && { email }),
    groups: groups.slice(0, GROUPS_MAX),
    // RFC 8176: `mfa` says it outright. What else it might mean by other words, it does not say.
    ...(amr.includes('mfa') && { mfaAtMs: shownAt * 1000 }),
  };
}

const GROUPS_MAX = 500;

/** Errors of the network and of the provider itself, as opposed to an answer that is refused. */
function isAway(error: unknown): boolean {
  const { code, cause } = error as { readonly code?: unknown; readonly cause?: { readonly code?: unknown } };
  const codes = [code, cause?.code].filter((one): one is string => typeof one === 'string');
  return codes.some(
    (one) => /^E[A-Z]+$/.test(one) || one === 'OAUTH_TIMEOUT' || one === 'ERR_TLS_CERT_ALTNAME_INVALID',
  );
}

function away(cause: unknown): Failure {
  return new Failure('provider-unavailable', 'The OpenID provider cannot be reached.', { retryable: true, cause });
}
