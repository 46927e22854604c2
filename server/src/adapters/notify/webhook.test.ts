import { timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type NotifierBench, notifierContract } from '../../ports/notifier.contract.ts';
import { testCertificate } from './test-certificate.ts';
import { webhookEndpoints, webhookNotifier, webhookSignature } from './webhook.ts';

const SECRET = 'a shared secret of more than 32 characters';
const PATH = '/hooks/secret-path';

/** A real HTTPS receiver that verifies the signature as the documentation says. */
async function receiver() {
  const { cert, key } = await testCertificate();
  const requests: { readonly headers: IncomingHttpHeaders; readonly body: Buffer }[] = [];
  const forged: string[] = [];
  let respond: { readonly status: number; readonly headers?: Readonly<Record<string, string>> } | 'silent' = {
    status: 204,
  };
  const server = createServer({ cert, key }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      if (!isSigned(request.headers['healthsync-signature'], body)) forged.push('forged');
      if (respond === 'silent') return;
      if (respond.status < 300) requests.push({ headers: request.headers, body });
      response.writeHead(respond.status, respond.headers).end('for nurse@ward.example');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const endpoints = webhookEndpoints([`https://127.0.0.1:${(server.address() as AddressInfo).port}${PATH}`]);
  const notifier = webhookNotifier({ endpoints, secret: SECRET, ca: cert, now: Date.now });
  return {
    notifier,
    recipient: [...endpoints.keys()][0] ?? '',
    untrusting: webhookNotifier({ endpoints, secret: SECRET, now: Date.now }),
    requests,
    forged,
    respond: (as: typeof respond) => {
      respond = as;
    },
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function isSigned(header: string | string[] | undefined, body: Buffer): boolean {
  const [, seconds, hex] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(header)) ?? [];
  if (seconds === undefined || hex === undefined || Math.abs(Date.now() / 1_000 - Number(seconds)) > 300) return false;
  return timingSafeEqual(Buffer.from(webhookSignature(SECRET, Number(seconds), body)), Buffer.from(hex));
}

notifierContract('webhook', async (): Promise<NotifierBench> => {
  const server = await receiver();
  const behaviours = {
    accept: { status: 200 },
    busy: { status: 503 },
    limited: { status: 429, headers: { 'retry-after': '7' } },
    refuse: { status: 410 },
    silent: 'silent',
  } as const;
  return {
    ...server,
    retryAfterMs: 7_000,
    secrets: [SECRET, 'secret-path'],
    behave: (as) => server.respond(behaviours[as]),
    received: () =>
      server.requests.map(({ headers, body }) => ({
        content: Object.values(JSON.parse(body.toString()) as object).join('\n'),
        idempotencyKey: String(headers['idempotency-key']),
      })),
    disconnect: server.close,
  };
});

describe('a webhook', () => {
  const opened: { close(): Promise<void> }[] = [];
  const open = async () => {
    const server = await receiver();
    opened.push(server);
    return server;
  };
  afterEach(async () => {
    for (const each of opened.splice(0)) await each.close();
  });
  const message = (recipient: string) => ({
    subject: 's',
    text: 't',
    fields: { alarmId: 'a1' },
    recipient,
    event: 'raised' as const,
  });
  const options = () => ({ idempotencyKey: 'k', signal: AbortSignal.timeout(10_000) });

  it('is signed over its time and its body, and a changed body does not pass', async () => {
    const server = await open();
    await server.notifier.send(message(server.recipient), options());
    expect(server.forged).toEqual([]);
    const [request] = server.requests;
    const signature = request?.headers['healthsync-signature'];
    expect(isSigned(signature, request?.body ?? Buffer.alloc(0))).toBe(true);
    expect(isSigned(signature, Buffer.from('{"subject":"other"}'))).toBe(false);
    expect(JSON.parse(String(request?.body))).toEqual({ subject: 's', text: 't', alarmId: 'a1' });
  });
  it.each([
    [200, 'delivered'],
    [202, 'delivered'],
    [204, 'delivered'],
    [301, 'permanent'],
    [302, 'permanent'],
    [400, 'permanent'],
    [401, 'permanent'],
    [404, 'permanent'],
    [410, 'permanent'],
    [408, 'transient'],
    [425, 'transient'],
    [429, 'transient'],
    [500, 'transient'],
    [503, 'transient'],
  ])('status %d is %s', async (status, kind) => {
    const server = await open();
    server.respond({ status, headers: { location: 'https://127.0.0.1:1/elsewhere' } });
    expect((await server.notifier.send(message(server.recipient), options())).kind).toBe(kind);
  });
  it.each([
    ['120', 120_000],
    ['999999', 900_000],
    ['soon', undefined],
  ])('Retry-After %s means %s ms', async (value, expected) => {
    const server = await open();
    server.respond({ status: 429, headers: { 'retry-after': value } });
    const outcome = await server.notifier.send(message(server.recipient), options());
    expect(outcome).toEqual({
      kind: 'transient',
      reason: 'HTTP 429',
      ...(expected === undefined ? {} : { retryAfterMs: expected }),
    });
  });
  it('goes to nobody whose certificate is not trusted', async () => {
    const server = await open();
    expect((await server.untrusting.send(message(server.recipient), options())).kind).toBe('transient');
    expect(server.requests).toEqual([]);
  });
  it('is recorded under a name that does not show its address', async () => {
    const server = await open();
    expect(server.recipient).not.toContain('secret-path');
    expect(await server.notifier.send(message('other'), options())).toEqual({
      kind: 'permanent',
      reason: 'no such endpoint',
    });
  });
});
