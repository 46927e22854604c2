import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import * as client from 'openid-client';
import { callHttps } from '../adapters/notify/https-call.ts';
import { testCertificate } from '../adapters/notify/test-certificate.ts';

/** A server on the loopback address with a certificate of its own authority, and the fetch that trusts it. */
export async function startTls(handle: (request: IncomingMessage, response: ServerResponse) => void) {
  const { key, cert } = await testCertificate();
  const ca = cert; // its own authority
  const server = createServer({ key, cert }, handle);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  return {
    url: `https://localhost:${port}`,
    ca,
    close: () =>
      new Promise<void>((done) => {
        server.closeAllConnections();
        server.close(() => done());
      }),
  };
}

/** What a browser does with one provider: keeps its cookies, follows nothing by itself. */
export function createBrowser(ca: string) {
  const jar = new Map<string, { value: string; path: string }>();
  return {
    jar,
    async get(url: string): Promise<{ status: number; location: string; body: string }> {
      const target = new URL(url);
      const cookies = [...jar].filter(([, { path }]) => target.pathname.startsWith(path));
      const answer = await callHttps({
        url: target,
        method: 'GET',
        headers: { cookie: cookies.map(([name, { value }]) => `${name}=${value}`).join('; ') },
        signal: AbortSignal.timeout(10_000),
        ca,
      });
      for (const line of [answer.headers['set-cookie'] ?? []].flat()) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
        const path = /path=([^;]+)/i.exec(line)?.[1] ?? '/';
        if (value === '' || /expires=Thu, 01 Jan 1970/i.test(line)) jar.delete(name);
        else jar.set(name, { value, path });
      }
      return { status: answer.status, location: answer.headers.location ?? '', body: answer.body };
    },
  };
}

export const trusting =
  (ca: string): client.CustomFetch =>
  async (url, { method, headers, body, signal }) => {
    const answer = await callHttps({
      url: new URL(url),
      method: method as 'GET',
      headers,
      ...(body === undefined || body === null ? {} : { body: String(body) }),
      signal: signal ?? AbortSignal.timeout(10_000),
      answerMaxBytes: 1_000_000,
      ca,
    });
    return new Response(answer.body, {
      status: answer.status,
      headers: { 'content-type': answer.headers['content-type'] ?? '' },
    });
  };

export async function discover(issuer: string, ca: string, clientId: string, auth?: client.ClientAuth) {
  const config = await client.discovery(new URL(issuer), clientId, undefined, auth ?? client.None(), {
    [client.customFetch]: trusting(ca),
  });
  config[client.customFetch] = trusting(ca);
  return config;
}

/** What an app sends the browser to, with PKCE (RFC 7636), and what it keeps to itself meanwhile. */
export async function askToSignIn(
  config: client.Configuration,
  { redirect, scope, more = {} }: { redirect: string; scope: string; more?: Record<string, string> },
) {
  const verifier = client.randomPKCECodeVerifier();
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: redirect,
    scope,
    state: 's1',
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    ...more,
  });
  return { verifier, url };
}

/** Follows the browser until it is sent back to the app. */
export async function followBack(
  browser: ReturnType<typeof createBrowser>,
  start: string,
  redirect: string,
): Promise<URL> {
  let url = start;
  for (let hops = 0; hops < 6; hops++) {
    const { status, location, body } = await browser.get(url);
    if (status !== 303) throw new Error(`${status} ${body}`);
    url = new URL(location, url).href;
    if (url.startsWith(redirect)) break;
  }
  return new URL(url);
}

/** RFC 7523 2.2: a service shows an assertion that it signed, and is answered with a token or an error. */
export async function presentAssertion(
  issuer: string,
  ca: string,
  { assertion, scope }: { assertion: string; scope: string },
): Promise<Record<string, unknown>> {
  const body = new URLSearchParams({
    grant_type: 'client_credentials',
    scope,
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: assertion,
  });
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const response = await trusting(ca)(`${issuer}/token`, { method: 'POST', headers, body } as never);
  return (await response.json()) as Record<string, unknown>;
}
