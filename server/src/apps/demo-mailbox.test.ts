import { afterAll, describe, expect, it } from 'vitest';
import { createSmtpNotifier } from '../adapters/notify/smtp.ts';
import { testCertificate } from '../adapters/notify/test-certificate.ts';
import type { Notification } from '../ports/notifier.ts';
import { openDemoMailbox } from './demo-mailbox.ts';

const { key, cert } = await testCertificate();
const mailbox = await openDemoMailbox({ key, cert, ca: cert, now: () => 7 });
afterAll(() => mailbox.close());

const message = (subject: string): Notification => ({
  event: 'raised',
  recipient: 'anna.demo@demo.invalid',
  subject,
  text: 'Bed W3-06: high – go',
  fields: { priority: 'high' },
});
const send = (notifier: typeof mailbox.notifier, subject: string) =>
  notifier.send(message(subject), { idempotencyKey: subject, signal: AbortSignal.timeout(10_000) });

describe('the demo’s mailbox', () => {
  it('takes what its own notifier sends over TLS, newest first', async () => {
    expect(await send(mailbox.notifier, 'one')).toMatchObject({ kind: 'delivered' });
    expect(await send(mailbox.notifier, 'two – ★')).toMatchObject({ kind: 'delivered' });
    expect(mailbox.mails()).toEqual([
      { atMs: 7, to: ['anna.demo@demo.invalid'], subject: 'two – ★', text: 'Bed W3-06: high – go' },
      { atMs: 7, to: ['anna.demo@demo.invalid'], subject: 'one', text: 'Bed W3-06: high – go' },
    ]);
  });

  it('takes nothing from anybody else on the machine', async () => {
    const stranger = createSmtpNotifier({
      channel: 'x',
      host: '127.0.0.1',
      port: mailbox.port,
      security: 'tls',
      user: 'healthsync',
      password: 'guessed',
      from: 'a@b.example',
      ca: cert,
    });
    expect(await send(stranger, 'three')).toMatchObject({ kind: 'transient', reason: 'SMTP 535' });
    stranger.close();
    expect(mailbox.mails()).toHaveLength(2);
  });
});
