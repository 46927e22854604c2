import { connect, type TLSSocket } from 'node:tls';
import type { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { serverCertificate } from '../../../identity/server-certificate.ts';
import type { DeviceSocket } from './device-socket.ts';
import { makeIdentity, openAuthoritiesHere } from './test-endpoint.ts';
import { createTlsThread, type TlsEvents, type TlsOptions, type TlsThread } from './tls-thread.ts';

interface Seen {
  readonly socket: DeviceSocket;
  readonly deviceId: string | undefined;
  text: string;
  isClosed: boolean;
  isBehind: boolean;
}

/** The real thread, and devices that speak TLS; what they say is any text. */
describe('the thread of the sockets', () => {
  let authorities: Awaited<ReturnType<typeof openAuthoritiesHere>>['authorities'];
  let thread: TlsThread;
  let port: number;
  let seen: Seen[];
  let refused: (string | undefined)[];
  let troubles: unknown[];
  let onReceived: (text: string, by: Seen) => void;
  let worker: Worker;
  let options: TlsOptions;
  let events: TlsEvents<Seen>;
  const sockets: TLSSocket[] = [];

  beforeEach(async () => {
    const here = await openAuthoritiesHere();
    authorities = here.authorities;
    [seen, refused, troubles] = [[], [], []];
    onReceived = () => {};
    const server = await serverCertificate({
      authority: authorities.servers,
      path: `${here.folder}/server.pem`,
      names: ['localhost', '127.0.0.1'],
      now: Date.now,
    });
    events = {
      opened(socket, peer) {
        const one: Seen = { socket, deviceId: peer?.deviceId, text: '', isClosed: false, isBehind: false };
        seen.push(one);
        return one;
      },
      received(one, bytes, start, end) {
        const text = bytes.toString('utf8', start, end);
        one.text += text;
        onReceived(text, one);
      },
      closed(one) {
        one.isClosed = true;
      },
      behind(one) {
        one.isBehind = true;
      },
      refused: ({ reason }) => refused.push(reason),
      full: () => {},
      trouble: (error) => troubles.push(error),
    };
    process.once('worker', (started) => {
      worker = started;
    });
    options = {
      tls: { key: server.keyPem, cert: server.certificatePem, ca: authorities.devices.certificatePem },
      tlsMinVersion: 'TLSv1.3',
      host: '127.0.0.1',
      port: 0,
      connectionsMax: 100,
      handshakesMax: 10,
      handshakesWaitingMax: 100,
      handshakeTimeoutMs: 5_000,
      ticketLifetimeSeconds: 60,
      unsentBytesMax: 64 * 1024,
    };
    thread = createTlsThread(options, events);
    ({ port } = await thread.listen());
  });
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await thread.close();
  });

  async function device(id: string): Promise<TLSSocket> {
    const identity = await makeIdentity(authorities, id);
    return await new Promise((resolve, reject) => {
      const socket = connect({
        host: '127.0.0.1',
        port,
        servername: 'localhost',
        ca: authorities.servers.certificatePem,
        ...identity,
      });
      sockets.push(socket);
      socket.on('error', reject);
      socket.once('secureConnect', () => resolve(socket));
    });
  }

  it('says who is there, what they say, and that they are gone', async () => {
    const [one, two] = [await device('mon-1'), await device('mon-2')];
    one.write('from one');
    two.write('from two');
    await vi.waitFor(() =>
      expect(seen.map(({ deviceId, text }) => [deviceId, text])).toEqual([
        ['mon-1', 'from one'],
        ['mon-2', 'from two'],
      ]),
    );
    one.destroy();
    await vi.waitFor(() => expect(seen.map(({ isClosed }) => isClosed)).toEqual([true, false]));
  });

  it('sends to each what is theirs, in order', async () => {
    const clients = [await device('mon-1'), await device('mon-2')];
    const heard = clients.map((client) => {
      let text = '';
      client.on('data', (chunk) => {
        text += String(chunk);
      });
      return () => text;
    });
    await vi.waitFor(() => expect(seen).toHaveLength(2));
    for (let i = 0; i < 100; i++)
      for (const { socket, deviceId } of seen) socket.write(Buffer.from(`${deviceId}:${i} `));
    for (const { socket } of seen) socket.end(Buffer.from('bye'));
    const all = (id: string) => Array.from({ length: 100 }, (_, i) => `${id}:${i} `).join('') + 'bye';
    await vi.waitFor(() => expect(heard.map((text) => text())).toEqual([all('mon-1'), all('mon-2')]));
  });

  it('does not read one that is paused, and goes on where it was', async () => {
    const client = await device('mon-1');
    await vi.waitFor(() => expect(seen).toHaveLength(1));
    const [one] = seen as [Seen];
    onReceived = (_, by) => by.socket.pause();
    client.write('a');
    await vi.waitFor(() => expect(one.text).toBe('a'));
    onReceived = () => {};
    client.write('b'.repeat(1000));
    one.socket.resume();
    await vi.waitFor(() => expect(one.text).toBe(`a${'b'.repeat(1000)}`));
  });

  it('loses nothing while the main thread is busy for longer than it may be ahead', async () => {
    const client = await device('mon-1');
    const bytes = Buffer.alloc(8 * 1024 * 1024, 'x');
    let isFirst = true;
    onReceived = () => {
      if (!isFirst) return;
      isFirst = false;
      for (const untilMs = performance.now() + 300; performance.now() < untilMs; );
    };
    client.write(bytes);
    await vi.waitFor(() => expect(seen[0]?.text.length).toBe(bytes.length));
  });

  it('says who does not read what was sent', async () => {
    const client = await device('mon-1');
    client.pause();
    await vi.waitFor(() => expect(seen).toHaveLength(1));
    const [one] = seen as [Seen];
    await vi.waitFor(() => {
      one.socket.write(Buffer.alloc(1024 * 1024));
      expect(one.isBehind).toBe(true);
    });
  });

  it('refuses one without a certificate of ours, and says why', async () => {
    const socket = connect({
      host: '127.0.0.1',
      port,
      servername: 'localhost',
      ca: authorities.servers.certificatePem,
    });
    sockets.push(socket);
    socket.on('error', () => {});
    await vi.waitFor(() => expect(refused).toEqual(['ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE']));
    expect(seen).toEqual([]);
  });

  it('refuses a certificate that cannot be used, and goes on with the one it had', async () => {
    expect(() => thread.renewTls({ key: 'no key', cert: 'no certificate', ca: '' })).toThrow();
    (await device('mon-1')).write('still here');
    await vi.waitFor(() => expect(seen[0]?.text).toBe('still here'));
    expect(troubles).toEqual([]);
  });

  it('offers after a renewal what it offered before, and nothing older', async () => {
    const old = createTlsThread({ ...options, tlsMinVersion: 'TLSv1.2' }, events);
    const where = await old.listen();
    old.renewTls(options.tls);
    const identity = await makeIdentity(authorities, 'mon-1');
    const attempt = (ciphers: string) =>
      new Promise<string>((resolve) => {
        const socket = connect({
          host: '127.0.0.1',
          port: where.port,
          servername: 'localhost',
          ca: authorities.servers.certificatePem,
          ...identity,
          maxVersion: 'TLSv1.2',
          ciphers,
        });
        sockets.push(socket);
        socket.on('error', () => resolve('refused'));
        socket.once('secureConnect', () => resolve(socket.getCipher().name));
      });
    expect(await attempt('ECDHE-ECDSA-AES128-GCM-SHA256')).toBe('ECDHE-ECDSA-AES128-GCM-SHA256');
    expect(await attempt('ECDHE-ECDSA-AES128-SHA')).toBe('refused');
    await old.close();
  });

  it('cannot listen where somebody does, and says so', async () => {
    const other = createTlsThread({ ...optionsFor(port), tls: { key: '', cert: '', ca: '' } }, {} as TlsEvents<Seen>);
    await expect(other.listen()).rejects.toThrow();
    await other.close();
  });

  it('is there again on the same port when it has ended, its connections reported as gone', async () => {
    await device('mon-1');
    await vi.waitFor(() => expect(seen).toHaveLength(1));
    await worker.terminate();
    await vi.waitFor(() => expect(seen[0]?.isClosed).toBe(true));
    expect(troubles).toHaveLength(1);
    await vi.waitFor(async () => (await device('mon-1')).write('again'), 10_000);
    await vi.waitFor(() => expect(seen[1]?.text).toBe('again'));
  });
});

function optionsFor(port: number): TlsOptions {
  return {
    tls: { key: '', cert: '', ca: '' },
    tlsMinVersion: 'TLSv1.3',
    host: '127.0.0.1',
    port,
    connectionsMax: 1,
    handshakesMax: 1,
    handshakesWaitingMax: 1,
    handshakeTimeoutMs: 1_000,
    ticketLifetimeSeconds: 60,
    unsentBytesMax: 1_024,
  };
}
