import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';
import { createSmtpNotifier } from '../adapters/notify/smtp.ts';
import type { Notifier } from '../ports/notifier.ts';
import { type DemoMail, readMail } from './demo-mail-text.ts';

/**
 * The demo's mailbox: a real SMTP server over TLS on loopback, to which the demo's people are told as a hospital's would
 * be. Nothing leaves the machine, and nothing of it is kept beyond the process.
 */
export interface DemoMailbox {
  readonly notifier: Notifier;
  readonly port: number;
  /** Newest first. */
  mails(): readonly DemoMail[];
  close(): Promise<void>;
}

/** By its own name: with the demo gone, so is the channel, and nobody is written to at addresses that were made up. */
export const DEMO_CHANNEL = 'demo-mail';

/** What somebody looks at; a demo that runs for days does not fill the memory. */
const MAILS_MAX = 500;
/** With a chart in it, a mail of ours has some 40 KiB. */
const MAIL_BYTES_MAX = 1_048_576;

export async function openDemoMailbox(options: {
  readonly key: string;
  readonly cert: string;
  readonly ca: string;
  readonly now: () => number;
}): Promise<DemoMailbox> {
  const { key, cert, ca, now } = options;
  const password = randomBytes(24).toString('base64url');
  let mails: readonly DemoMail[] = [];
  const server = new SMTPServer({
    key,
    cert,
    secure: true,
    size: MAIL_BYTES_MAX,
    authMethods: ['PLAIN'],
    onAuth: (given, _session, done) => {
      if (given.username === USER && given.password === password) done(null, { user: USER });
      else done(Object.assign(new Error('not ours'), { responseCode: 535 }));
    },
    onData: (stream, session, done) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const to = session.envelope.rcptTo.map(({ address }) => address);
        const mail = readMail(Buffer.concat(chunks).toString('latin1'), { to, atMs: now() });
        mails = [mail, ...mails].slice(0, MAILS_MAX);
        done(null, `kept as ${session.id}`);
      });
    },
    disableReverseLookup: true,
    closeTimeout: 500,
  });
  // A client that hangs up in the middle is no reason to end.
  server.on('error', () => {});
  await new Promise<void>((resolve, reject) => {
    server.server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.server.address() as AddressInfo;
  const notifier = createSmtpNotifier({
    channel: DEMO_CHANNEL,
    host: '127.0.0.1',
    port,
    security: 'tls',
    user: USER,
    password,
    from: 'HealthSync demo <alarms@demo.invalid>',
    ca,
  });
  return {
    notifier,
    port,
    mails: () => mails,
    async close() {
      notifier.close();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

const USER = 'healthsync';
