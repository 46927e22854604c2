import { createTransport } from 'nodemailer';
import type { DeliveryOutcome, Notification, Notifier, RichContent } from '../../ports/notifier.ts';
import { receiptOf } from './smtp-receipt.ts';

/** Where and as whom mail is sent. */
export interface SmtpSettings {
  /** The configured name. */
  readonly channel: string;
  readonly host: string;
  readonly port: number;
  /** `tls` from the first byte (RFC 8314), or `starttls`, refused where the server does not offer it. */
  readonly security: 'tls' | 'starttls';
  readonly user?: string;
  readonly password?: string;
  readonly from: string;
  /** PEM of a private authority; the system's otherwise. */
  readonly ca?: string;
  /** For each step of the exchange. */
  readonly timeoutMs?: number;
}

/** `smtps://user:password@host:465` or `smtp://…:587`, which must offer STARTTLS. */
export function smtpServer(url: string): Pick<SmtpSettings, 'host' | 'port' | 'security' | 'user' | 'password'> {
  const { protocol, hostname, port, username, password } = new URL(url);
  const isTls = protocol === 'smtps:';
  return {
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? (isTls ? 465 : 587) : Number(port),
    security: isTls ? 'tls' : 'starttls',
    ...(username === '' ? {} : { user: decodeURIComponent(username), password: decodeURIComponent(password) }),
  };
}

/** A step of SMTP that takes longer than this is not coming; the attempt as a whole ends with the caller's signal. */
const STEP_TIMEOUT_MS = 10_000;
/** Below the five minutes a server waits for a command (RFC 5321 §4.5.3.2.7); a wave of alarms is over sooner. */
const IDLE_MS = 60_000;
/** Answers are some lines of at most 512 (RFC 5321 §4.5.3.1.5); one that does not end is no answer. */
const ANSWER_MAX = 64 * 1024;
/** Many servers allow one client ten, and others are on the same machine. */
const CONNECTIONS_MAX = 4;

/**
 * Mail, over TLS or not at all. Connections are kept for a minute, so that a wave of alarms costs one handshake; the
 * server's limits on messages per connection are met by a new one after a hundred.
 */
export function createSmtpNotifier(settings: SmtpSettings): Notifier & { close(): void } {
  const { channel, host, port, security, user, password, from, ca, timeoutMs = STEP_TIMEOUT_MS } = settings;
  const transport = createTransport({
    pool: true,
    maxConnections: CONNECTIONS_MAX,
    maxMessages: 100,
    idleTimeout: IDLE_MS,
    // A connection that has slept may be dead: then once more over a new one. All other trying again is the teller's.
    maxRequeues: 1,
    host,
    port,
    secure: security === 'tls',
    requireTLS: security === 'starttls',
    tls: { minVersion: 'TLSv1.2', ...(ca === undefined ? {} : { ca }) },
    ...(user === undefined ? {} : { auth: { user, pass: password ?? '' } }),
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    dnsTimeout: timeoutMs,
    maxResponseSize: ANSWER_MAX,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  const domain = from.slice(from.lastIndexOf('@') + 1).replace(/>$/, '');
  return {
    channel,
    type: 'smtp',
    async send(message, { idempotencyKey, signal }) {
      if (!isMailbox(message.recipient)) return { kind: 'permanent', reason: 'not a mail address' };
      try {
        const sent = await transport.sendMail({ ...mailOf(message, { from, domain, idempotencyKey }), signal });
        return { kind: 'delivered', receipt: receiptOf(sent.response) };
      } catch (error) {
        return refused(error);
      }
    },
    close: () => transport.close(),
  };
}

/** One mailbox: what nodemailer would split at a comma is not. */
function isMailbox(recipient: string): boolean {
  return recipient.length <= 254 && /^[^\s@,;:<>()[\]\\"]+@[^\s@,;:<>()[\]\\"]+$/.test(recipient);
}

interface Sender {
  readonly from: string;
  readonly domain: string;
  readonly idempotencyKey: string;
}

function mailOf(message: Notification, { from, domain, idempotencyKey }: Sender) {
  const { recipient, subject, text, alarm, rich } = message;
  return {
    from,
    to: { name: '', address: recipient },
    subject,
    text,
    // The same for every attempt: mail systems that remember ids drop the second copy (RFC 5322 §3.6.4).
    messageId: `<${atomOf(idempotencyKey)}@${domain}>`,
    // What is about one alarm stands together.
    ...(alarm === undefined ? {} : { references: `<alarm.${atomOf(alarm.id)}@${domain}>` }),
    headers: {
      // RFC 3834, and what Exchange heeds instead: no out-of-office answers.
      'Auto-Submitted': 'auto-generated',
      'X-Auto-Response-Suppress': 'All',
      // RFC 2919, for people's filters. No List-Unsubscribe: a mail program's button must not silence alarms.
      'List-Id': `HealthSync <alarms.healthsync.${domain}>`,
    },
    priority: isUrgent(message) ? ('high' as const) : ('normal' as const),
    ...(rich === undefined ? {} : { html: rich.html, attachments: rich.images.map(inline) }),
  };
}

/** Pictures travel inside the mail (RFC 2387, 2392): none is fetched when it is read. */
function inline({ cid, png }: RichContent['images'][number], index: number) {
  return {
    cid,
    filename: `chart-${index + 1}.png`,
    content: Buffer.from(png),
    contentType: 'image/png',
    contentDisposition: 'inline' as const,
  };
}

/** RFC 5322 §3.2.3: what may stand in an id without quotes. */
function atomOf(id: string): string {
  return encodeURIComponent(id).replace(/[()]/g, '_');
}

function isUrgent({ alarm, fields: { priority } }: Notification): boolean {
  return (alarm?.priority ?? priority) === 'high';
}

/**
 * RFC 5321 §4.2.1: 5yz is a refusal that will not change by itself, 4yz asks to come back. Only a refusal of the
 * recipient or of the message is final; refused credentials (535), a refused sender or client are ours to put right, so
 * the message waits. The server's words may name the recipient: only codes are passed on.
 */
function refused(error: unknown): DeliveryOutcome {
  const { responseCode, code, command } = error as { responseCode?: number; code?: string; command?: string };
  if (responseCode === undefined) return { kind: 'transient', reason: code ?? 'failed' };
  const reason = `SMTP ${responseCode}`;
  const isFinal = responseCode >= 500 && (command === 'RCPT TO' || command === 'DATA');
  return { kind: isFinal ? 'permanent' : 'transient', reason };
}
