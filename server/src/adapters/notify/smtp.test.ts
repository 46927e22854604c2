import { connect as connectPlain } from 'node:net';
import { createInterface } from 'node:readline';
import { connect as connectTls } from 'node:tls';
import type { SMTPServerOptions } from 'smtp-server';
import { afterEach, describe, expect, it } from 'vitest';
import { type NotifierBench, notifierContract } from '../../ports/notifier.contract.ts';
import type { Notification } from '../../ports/notifier.ts';
import { createSmtpNotifier, type SmtpSettings, smtpServer } from './smtp.ts';
import { startMailServer } from './test-mail-server.ts';

const RECIPIENT = 'nurse@ward.example';

const bench = (options: SMTPServerOptions) => async (): Promise<NotifierBench> => {
  const server = await startMailServer(options);
  const notifier = createSmtpNotifier(server.settings);
  return {
    notifier,
    recipient: RECIPIENT,
    behave: server.behave,
    received: () =>
      server.mails.map((content) => ({ content, idempotencyKey: /^Message-ID: <(.+)>/im.exec(content)?.[1] ?? '' })),
    secrets: [server.settings.password ?? ''],
    disconnect: server.close,
    close: () => {
      notifier.close();
      return server.close();
    },
  };
};
notifierContract('SMTP with STARTTLS', bench({}));
notifierContract('SMTP with TLS from the first byte', bench({ secure: true }));

describe('SMTP', () => {
  const opened: { close(): Promise<void> | void }[] = [];
  const open = async (options?: SMTPServerOptions) => {
    const server = await startMailServer(options);
    opened.push(server);
    return server;
  };
  const connect = (settings: SmtpSettings) => {
    const notifier = createSmtpNotifier(settings);
    opened.unshift(notifier);
    return notifier;
  };
  afterEach(async () => {
    for (const each of opened.splice(0)) await each.close();
  });
  const message: Notification = {
    subject: 'High alarm',
    text: 'High alarm',
    fields: { priority: 'high' },
    recipient: RECIPIENT,
    event: 'raised',
    alarm: { id: 'a1', priority: 'high', kind: 'physiological', raisedAtMs: 0 },
  };
  const sendBy = (notifier: ReturnType<typeof connect>, change: Partial<Notification> = {}, idempotencyKey = 'k') =>
    notifier.send({ ...message, ...change }, { idempotencyKey, signal: AbortSignal.timeout(10_000) });
  const send = (settings: SmtpSettings, change?: Partial<Notification>, key?: string) =>
    sendBy(connect(settings), change, key);

  it('sends nothing, and no password, to a server without TLS', async () => {
    const server = await open({ disabledCommands: ['STARTTLS'], allowInsecureAuth: true });
    expect(await send(server.settings)).toMatchObject({ kind: 'transient' });
    expect(server.seen.plainPasswords).toBe(0);
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
    const { user: _, password: __, ...anonymous } = server.settings;
    expect(await send(anonymous)).toMatchObject({ kind: 'transient', reason: 'SMTP 530' });
  });
  it('a sender that is not allowed is ours to put right too', async () => {
    const server = await open({
      onMailFrom: (_address, _session, done) => done(Object.assign(new Error('no'), { responseCode: 550 })),
    });
    expect(await send(server.settings)).toEqual({ kind: 'transient', reason: 'SMTP 550' });
  });
  it.each([
    [421, 'transient'],
    [450, 'transient'],
    [452, 'transient'],
    [550, 'permanent'],
    [552, 'permanent'],
    [554, 'permanent'],
  ])('%d to the message itself is %s', async (responseCode, kind) => {
    const server = await open({
      onData: (stream, _session, done) => {
        stream.resume();
        stream.on('end', () => done(Object.assign(new Error(`for ${RECIPIENT}`), { responseCode })));
      },
    });
    expect(await send(server.settings)).toEqual({ kind, reason: `SMTP ${responseCode}` });
  });
  it('marks mail as automatic, and a high alarm as urgent', async () => {
    const server = await open();
    expect(await send(server.settings)).toEqual({ kind: 'delivered', receipt: '250 queued as 42' });
    const [mail = ''] = server.mails;
    expect(mail).toMatch(/^Auto-Submitted: auto-generated/im);
    expect(mail).toMatch(/^X-Auto-Response-Suppress: All/im);
    expect(mail).toMatch(/^List-Id: .*<alarms\.healthsync\.hospital\.example>/im);
    expect(mail).not.toMatch(/^List-Unsubscribe/im);
    expect(mail).toMatch(/^X-Priority: 1/im);
    expect(mail).toMatch(/^References: <alarm\.a1@hospital\.example>/im);
  });
  it('a receipt names nobody', async () => {
    const server = await open({
      onData: (stream, _session, done) => {
        stream.resume();
        stream.on('end', () => done(null, `queued as 7 for <${RECIPIENT}>`));
      },
    });
    expect(await send(server.settings)).toEqual({ kind: 'delivered', receipt: '250 queued as 7 for …' });
  });
  it('a wave of alarms goes over a few connections', async () => {
    const server = await open();
    const notifier = connect(server.settings);
    const outcomes = await Promise.all(Array.from({ length: 30 }, (_, i) => sendBy(notifier, {}, `k${i}`)));
    expect(outcomes.every(({ kind }) => kind === 'delivered')).toBe(true);
    expect(new Set(server.mails.map((mail) => /^Message-ID: (.+)$/im.exec(mail)?.[1])).size).toBe(30);
    expect(server.seen.sessions.size).toBeLessThanOrEqual(4);
  });
  it('a connection that the server has closed meanwhile costs no message', async () => {
    const server = await open();
    const notifier = connect(server.settings);
    expect((await sendBy(notifier)).kind).toBe('delivered');
    server.hangUp();
    expect((await sendBy(notifier, {}, 'k2')).kind).toBe('delivered');
    expect(server.mails).toHaveLength(2);
  });
  it('after a refusal the next message is taken', async () => {
    const server = await open();
    const notifier = connect(server.settings);
    server.behave('refuse');
    expect((await sendBy(notifier)).kind).toBe('permanent');
    server.behave('accept');
    expect((await sendBy(notifier)).kind).toBe('delivered');
  });
  it('one that stalls does not hold up the others', async () => {
    const server = await open();
    const notifier = connect(server.settings);
    server.behave('silent');
    const stalled = notifier.send(message, { idempotencyKey: 'k', signal: AbortSignal.timeout(300) });
    expect((await stalled).kind).toBe('transient');
    server.behave('accept');
    expect((await sendBy(notifier)).kind).toBe('delivered');
    expect(server.mails).toHaveLength(1);
  });
  it.each(['a@b.example, c@d.example', 'a@b.example\r\nBcc: c@d.example', '"x" <a@b.example>', 'nobody', ''])(
    'goes to one mailbox: %j is none',
    async (recipient) => {
      const server = await open();
      expect(await send(server.settings, { recipient })).toEqual({
        kind: 'permanent',
        reason: 'not a mail address',
      });
      expect(server.mails).toEqual([]);
    },
  );
  it('a subject breaks out of no header, and any letters travel', async () => {
    const server = await open();
    const subject = 'Alarm, Bett Ä7 心\r\nBcc: evil@example.org';
    expect((await send(server.settings, { subject, text: `${'x'.repeat(3_000)}\nÄ心` }, 'a b:c/(d)')).kind).toBe(
      'delivered',
    );
    expect(server.refused).toEqual([]);
    expect(server.mails[0]).not.toMatch(/^Bcc:/im);
  });
  it('is rich where the policy says so: text, HTML and a picture in one mail, nothing fetched', async () => {
    const server = await open();
    const png = Buffer.from('89504e470d0a1a0a', 'hex');
    const html = '<p>High alarm</p><img src="cid:trend@healthsync" alt="SpO2">';
    const rich = { html, images: [{ cid: 'trend@healthsync', png, alt: 'SpO2' }] };
    expect((await send(server.settings, { rich })).kind).toBe('delivered');
    expect(server.refused).toEqual([]);
    const [mail = ''] = server.mails;
    expect(mail).toMatch(/^Content-Type: multipart\/alternative/im);
    expect(mail).toMatch(/^Content-Type: text\/plain/im);
    expect(mail).toMatch(/^Content-Type: multipart\/related/im);
    expect(mail).toMatch(/^Content-Id: <trend@healthsync>/im);
    expect(mail).toMatch(/^Content-Disposition: inline/im);
    expect(mail).toContain(png.toString('base64'));
  });
  it.each([
    [
      'smtps://u%40x:p%3Aw@mail.example',
      { host: 'mail.example', port: 465, security: 'tls', user: 'u@x', password: 'p:w' },
    ],
    ['smtp://mail.example', { host: 'mail.example', port: 587, security: 'starttls' }],
    ['smtp://mail.example:25', { host: 'mail.example', port: 25, security: 'starttls' }],
    ['smtps://[fd00::1]', { host: 'fd00::1', port: 465, security: 'tls' }],
  ])('%s is understood', (url, expected) => expect(smtpServer(url)).toEqual(expected));
});

describe('the mail server of these tests', () => {
  /** Says each line once the server has answered the one before; answers what it said last. */
  async function converse(port: number, lines: readonly string[], ca?: string): Promise<string> {
    const socket =
      ca === undefined
        ? connectPlain(port, '127.0.0.1')
        : connectTls({ port, host: '127.0.0.1', ca, servername: 'localhost' });
    const answers = createInterface({ input: socket })[Symbol.asyncIterator]();
    const answer = async () => {
      for (;;) {
        const { value = '', done } = await answers.next();
        // `250-` goes on, `250 ` is the last line.
        if (done || /^\d{3} /.test(value)) return value;
      }
    };
    let last = await answer();
    for (const line of lines) {
      socket.write(`${line}\r\n`);
      last = await answer();
    }
    socket.destroy();
    return last;
  }
  const envelope = [
    'EHLO x',
    `AUTH PLAIN ${btoa('\0healthsync\0correct horse')}`,
    'MAIL FROM:<a@b.example>',
    'RCPT TO:<c@d.example>',
    'DATA',
  ];
  const head =
    'From: a@b.example\r\nTo: c@d.example\r\nSubject: s\r\nDate: Sun, 22 Nov 2026 03:00:00 +0000\r\nMessage-ID: <1@b.example>';

  it.each([
    ['takes what is right', 'x', /^250 /],
    ['refuses a line of more than 998', 'x'.repeat(999), /^554 line too long/],
    ['refuses a bare line feed', 'a\nb', /^554 bare line end/],
  ])('%s', async (_, text, expected) => {
    const server = await startMailServer({ secure: true });
    try {
      const lines = [...envelope, `${head}\r\n\r\n${text}\r\n.`];
      expect(await converse(server.settings.port, lines, server.settings.ca)).toMatch(expected);
    } finally {
      await server.close();
    }
  });
  it('refuses a password and a mail before TLS', async () => {
    const server = await startMailServer();
    try {
      expect(await converse(server.settings.port, envelope.slice(0, 2))).toMatch(/^538 /);
      expect(await converse(server.settings.port, ['EHLO x', 'MAIL FROM:<a@b.example>'])).toMatch(/^530 /);
      expect(server.seen.plainPasswords).toBe(0);
    } finally {
      await server.close();
    }
  });
});
