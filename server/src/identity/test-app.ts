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
