import { once } from 'node:events';
import type { IncomingHttpHeaders } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { NotifierBehaviour } from '../../ports/notifier.contract.ts';
import { testCertificate } from './test-certificate.ts';

export interface VendorRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface VendorAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | object;
}

/** `reset`: the connection breaks after the request was taken, before it was answered. */
export type VendorBehaviour = NotifierBehaviour | 'reset';

/**
 * The other side of a channel, on loopback and over TLS: takes requests as the real one does and refuses what it would
 * refuse. What it thinks of a request is decided by `answer`; how well it is that day by `behave`.
 */
export async function startVendor(options: {
  answer(request: VendorRequest): VendorAnswer | Promise<VendorAnswer>;
  /** What it says when it is not well; by default 503 and 429 as HTTP has them. */
  readonly unwell?: Partial<Record<NotifierBehaviour, VendorAnswer>>;
  /** Which requests are meant; by default all. */
  concerns?(request: VendorRequest): boolean;
}) {
  const { cert, key } = await testCertificate();
  let behaviour: VendorBehaviour = 'accept';
  const requests: VendorRequest[] = [];
  const unwell: Partial<Record<VendorBehaviour, VendorAnswer>> = { ...UNWELL, ...options.unwell };
  const server = createServer({ cert, key }, async (incoming, outgoing) => {
    const { pathname, searchParams } = new URL(incoming.url ?? '/', 'https://localhost');
    const request: VendorRequest = {
      method: incoming.method ?? '',
      path: pathname,
      query: searchParams,
      headers: incoming.headers,
      body: await buffer(incoming),
    };
    requests.push(request);
    const isConcerned = options.concerns?.(request) ?? true;
    if (behaviour === 'silent' && isConcerned) return;
    const ill = isConcerned ? unwell[behaviour] : undefined;
    const { status, headers = {}, body = '' } = ill ?? (await options.answer(request));
    if (behaviour === 'reset' && isConcerned) return void incoming.socket.destroy();
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const type = typeof body === 'string' ? 'text/html' : 'application/json; charset=utf-8';
    outgoing.writeHead(status, { 'content-type': type, ...headers }).end(text);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: new URL(`https://localhost:${(server.address() as AddressInfo).port}/`),
    ca: cert,
    requests: requests as readonly VendorRequest[],
    behave: (as: VendorBehaviour) => {
      behaviour = as;
    },
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const UNWELL = {
  busy: { status: 503, body: '<html><body>Service Unavailable</body></html>' },
  limited: { status: 429, headers: { 'retry-after': '30' }, body: '' },
} as const;
