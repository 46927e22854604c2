import type { AddressInfo } from 'node:net';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { afterEach, describe, expect, it } from 'vitest';
import { type NotifierBench, notifierContract } from '../../ports/notifier.contract.ts';
import { type SmtpSettings, smtpNotifier, smtpSettings } from './smtp.ts';
import { testCertificate } from './test-certificate.ts';

const USER = 'healthsync';
const PASSWORD = 'correct horse';
const RECIPIENT = 'nurse@ward.example';

/** A real SMTP server on loopback, with TLS and authentication. */
async function mailServer(options: SMTPServerOptions = {}) {
  const certificate = await testCertificate();
  const mails: string[] = [];
  let behaviour: 'accept' | 'busy' | 'refuse' | 'silent' = 'accept';
  const server = new SMTPServer({
    ...certificate,
    authMethods: ['PLAIN'],
    onAuth: ({ username, password }, _session, done) =>
      username === USER && password === PASSWORD ? done(null, { user: USER }) : done(new Error('no')),
    onRcptTo: (address, _session, done) => {
      if (behaviour === 'silent') return;
      if (behaviour === 'busy') done(Object.assign(new Error(`${address.address} later`), { responseCode: 451 }));
      else if (behaviour === 'refuse') done(Object.assign(new Error(`${address.address} no`), { responseCode: 550 }));
      else done();
    },
    onData: (stream, session, done) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        expect(session.secure).toBe(true);
        mails.push(Buffer.concat(chunks).toString());
        done(null, 'queued as 42');
      });
    },
    disableReverseLookup: true,
    closeTimeout: 200,
    ...options,
  });
  server.on('error', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const settings: SmtpSettings = {
    host: '127.0.0.1',
    port: (server.server.address() as AddressInfo).port,
    security: options.secure === true ? 'tls' : 'starttls',
    user: USER,
    password: PASSWORD,
    from: 'HealthSync <alarms@hospital.example>',
    ca: certificate.cert,
    timeoutMs: 5_000,
  };
  let isOpen = true;
  const close = () => {
    if (!isOpen) return Promise.resolve();
    isOpen = false;
    return new Promise<void>((resolve) => server.close(() => resolve()));
  };
  return {
    settings,
    mails,
    close,
    behave: (as: typeof behaviour) => {
      behaviour = as;
    },
  };
}

const bench = (options: SMTPServerOptions) => async (): Promise<NotifierBench> => {
  const server = await mailServer(options);
  return {
    notifier: smtpNotifier(server.settings),
    recipient: RECIPIENT,
    behave: server.behave,
    received: () =>
      server.mails.map((content) => ({ content, idempotencyKey: /^Message-ID: <(.+)>/im.exec(content)?.[1] ?? '' })),
    disconnect: server.close,
    close: server.close,
  };
};
notifierContract('SMTP with STARTTLS', bench({}));
notifierContract('SMTP with TLS from the first byte', bench({ secure: true }));

describe('SMTP', () => {
  const opened: { close(): Promise<void> }[] = [];
  const open = async (options?: SMTPServerOptions) => {
    const server = await mailServer(options);
    opened.push(server);
    return server;
  };
  afterEach(async () => {
    for (const each of opened.splice(0)) await each.close();
  });
  const send = (settings: SmtpSettings) =>
    smtpNotifier(settings).send(
      {
        subject: 'High alarm',
        text: 'High alarm',
        fields: { priority: 'high' },
        event: 'raised',
        recipient: RECIPIENT,
      },
      { idempotencyKey: 'k', signal: AbortSignal.timeout(10_000) },
    );

  it('sends nothing, and no password, to a server without TLS', async () => {
    let sawPassword = false;
    const server = await open({
      disabledCommands: ['STARTTLS'],
      allowInsecureAuth: true,
      onAuth: (_auth, _session, done) => {
        sawPassword = true;
        done(null, { user: USER });
      },
    });
    expect(await send(server.settings)).toMatchObject({ kind: 'transient' });
    expect(sawPassword).toBe(false);
    expect(server.mails).toEqual([]);
  });
  it('sends nothing to a server whose certificate is not trusted', async () => {
    const server = await open();
    const { ca: _, ...untrusting } = server.settings;
    expect(await send(untrusting)).toMatchObject({ kind: 'transient' });
    expect(server.mails).toEqual([]);
  });
  it('a wrong password is ours to put right: the message waits', async () => {
    const server = await open();
    expect(await send({ ...server.settings, password: 'wrong' })).toMatchObject({
      kind: 'transient',
      reason: 'SMTP 535',
    });
  });
  it('marks mail as automatic, and a high alarm as urgent', async () => {
    const server = await open();
    expect(await send(server.settings)).toEqual({ kind: 'delivered', receipt: '250 queued as 42' });
    expect(server.mails[0]).toMatch(/^Auto-Submitted: auto-generated/im);
    expect(server.mails[0]).toMatch(/^X-Priority: 1/im);
  });
  it.each([
    [
      'smtps://u%40x:p%3Aw@mail.example',
      { host: 'mail.example', port: 465, security: 'tls', user: 'u@x', password: 'p:w' },
    ],
    ['smtp://mail.example', { host: 'mail.example', port: 587, security: 'starttls' }],
    ['smtp://mail.example:25', { host: 'mail.example', port: 25, security: 'starttls' }],
  ])('%s is understood', (url, expected) =>
    expect(smtpSettings(url, 'a@b.example')).toEqual({ ...expected, from: 'a@b.example' }),
  );
});
