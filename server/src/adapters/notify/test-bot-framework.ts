import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { SignJWT } from 'jose';
import { startVendor } from './test-vendor.ts';

/**
 * Where the Bot Framework publishes its keys, and what signs with them
 * (learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-authentication, steps 2 to 4).
 */
export async function startBotFramework() {
  const published = new Map<string, { readonly key: KeyObject; readonly endorsements: readonly string[] }>();
  const state = { jwksUri: '' };
  const vendor = await startVendor({
    answer({ method, path }) {
      if (method !== 'GET') return { status: 405 };
      if (path === '/v1/.well-known/openidconfiguration')
        return {
          status: 200,
          body: {
            issuer: 'https://api.botframework.com',
            jwks_uri: state.jwksUri,
            id_token_signing_alg_values_supported: ['RS256'],
          },
        };
      if (path !== '/v1/.well-known/keys') return { status: 404 };
      const keys = [...published].map(([kid, { key, endorsements }]) => ({
        ...key.export({ format: 'jwk' }),
        use: 'sig',
        kid,
        x5t: kid,
        endorsements,
      }));
      return { status: 200, body: { keys } };
    },
  });
  state.jwksUri = `${vendor.url.origin}/v1/.well-known/keys`;
  return {
    ...vendor,
    state,
    metadataUrl: new URL('/v1/.well-known/openidconfiguration', vendor.url),
    /** A signer whose public key is published, or kept to itself. */
    signer(kid: string, options: { readonly isPublished?: boolean; readonly endorsements?: readonly string[] } = {}) {
      const { isPublished = true, endorsements = ['msteams', 'webchat'] } = options;
      const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
      if (isPublished) published.set(kid, { key: publicKey, endorsements });
      return (claims: Readonly<Record<string, unknown>>, alg = 'RS256') =>
        new SignJWT(claims).setProtectedHeader({ typ: 'JWT', alg, kid, x5t: kid } as never).sign(privateKey);
    },
  };
}
