import type { AddressInfo } from 'node:net';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import type { NotifierBehaviour } from '../../ports/notifier.contract.ts';
import type { SmtpSettings } from './smtp.ts';
import { testCertificate } from './test-certificate.ts';

const USER = 'healthsync';
const PASSWORD = 'correct horse';

/**
 * A real SMTP server on loopback, with TLS and authentication, which takes no mail that a strict one would refuse:
 * without TLS, without a password, with lines or headers that break RFC 5321 or 5322.
 */
export async function startMailServer(options: SMTPServerOptions = {}) {
  const certificate = await testCertificate();
  const mails: string[] = [];
  const refused: string[] = [];
  const seen = { sessions: new Set<string>(), plainPasswords: 0 };
  let behaviour: NotifierBehaviour = 'accept';
  const server = new SMTPServer({
    ...certificate,
    authMethods: ['PLAIN'],
    allowInsecureAuth: false,
    onAuth: ({ username, password }, session, done) => {
      if (!session.secure) seen.plainPasswords++;
      if (username === USER && password === PASSWORD) done(null, { user: USER });
      else done(Object.assign(new Error('no'), { responseCode: 535 }));
    },
    onMailFrom: (_address, session, done) => {
      if (session.secure) return done();
      done(Object.assign(new Error('TLS first'), { responseCode: 530 }));
    },
    onRcptTo: (address, session, done) => {
      seen.sessions.add(session.id);
      if (behaviour === 'silent') return;
      const code = { busy: 451, limited: 450, refuse: 550, accept: 0 }[behaviour];
      if (code === 0) done();
      else done(Object.assign(new Error(`${address.address} says no`), { responseCode: code }));
    },
    onData: (stream, _session, done) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const mail = Buffer.concat(chunks);
        const fault = faultOf(mail);
        if (fault !== undefined) {
          refused.push(fault);
          return done(Object.assign(new Error(fault), { responseCode: 554 }));
        }
        mails.push(mail.toString());
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
    channel: 'smtp',
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
    mails: mails as readonly string[],
    refused: refused as readonly string[],
    seen,
    close,
    /** Ends every connection, as a server does that restarts or finds a client idle. */
    hangUp: () => {
      for (const connection of server.connections) connection.close();
    },
    behave: (as: NotifierBehaviour) => {
      behaviour = as;
    },
  };
}

function faultOf(mail: Buffer): string | undefined {
  const text = mail.toString('latin1');
  if (/(^|[^\r])\n|\r(?!\n)/.test(text)) return 'bare line end'; // RFC 5321 §2.3.8
  if (text.split('\r\n').some((line) => line.length > 998)) return 'line too long'; // RFC 5322 §2.1.1
  const [head = ''] = text.split('\r\n\r\n', 1);
  if (/[^\t\r\n -~]/.test(head)) return 'header not in ASCII'; // no SMTPUTF8 was agreed
  for (const header of ['From', 'To', 'Subject', 'Date', 'Message-ID'])
    if ([...head.matchAll(new RegExp(`^${header}:`, 'gim'))].length !== 1) return `${header} not once`; // RFC 5322 §3.6
  if (!/^Message-ID:\s*<[^\s<>@]+@[^\s<>@]+>\s*$/im.test(head)) return 'Message-ID malformed';
  return undefined;
}
