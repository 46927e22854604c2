import { createTransport } from 'nodemailer';
import type { DeliveryOutcome, Notification, Notifier } from '../../ports/notifier.ts';

/** Where and as whom mail is sent. */
export interface SmtpSettings {
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
export function smtpSettings(url: string, from: string): SmtpSettings {
  const { protocol, hostname, port, username, password } = new URL(url);
  const isTls = protocol === 'smtps:';
  return {
    host: hostname,
    port: port === '' ? (isTls ? 465 : 587) : Number(port),
    security: isTls ? 'tls' : 'starttls',
    ...(username === '' ? {} : { user: decodeURIComponent(username), password: decodeURIComponent(password) }),
    from,
  };
}

/** A step of SMTP that takes longer than this is not coming; the attempt as a whole ends with the caller's signal. */
const STEP_TIMEOUT_MS = 10_000;

/** Mail, over TLS or not at all. A connection per message: alarms are few, and an idle one would be closed on us. */
export function smtpNotifier(settings: SmtpSettings): Notifier {
  const { host, port, security, user, password, from, ca, timeoutMs = STEP_TIMEOUT_MS } = settings;
  const transport = createTransport({
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
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  const domain = from.slice(from.lastIndexOf('@') + 1).replace(/>$/, '');
  return {
    channel: 'smtp',
    type: 'smtp',
    async send(message, { idempotencyKey, signal }): Promise<DeliveryOutcome> {
      try {
        const sent = await transport.sendMail({
          from,
          to: message.recipient,
          subject: message.subject,
          text: message.text,
          // The same for every attempt: mail systems that remember ids drop the second copy (RFC 5322 §3.6.4).
          messageId: `<${idempotencyKey}@${domain}>`,
          // RFC 3834: no out-of-office answers.
          headers: { 'Auto-Submitted': 'auto-generated' },
          priority: isUrgent(message) ? 'high' : 'normal',
          signal,
        });
        return { kind: 'delivered', receipt: sent.response.slice(0, RECEIPT_MAX) };
      } catch (error) {
        return refused(error);
      }
    },
  };
}

/** Enough for any server's queue id. */
const RECEIPT_MAX = 200;

function isUrgent({ fields: { priority } }: Notification): boolean {
  return priority === 'high';
}

/**
 * RFC 5321 §4.2.1: 5yz is a refusal that will not change by itself, 4yz asks to come back. Refused credentials (535) are
 * ours to put right, so the message waits. The server's words may name the recipient: only codes are passed on.
 */
function refused(error: unknown): DeliveryOutcome {
  const { responseCode, code } = error as { responseCode?: number; code?: string };
  if (responseCode === undefined) return { kind: 'transient', reason: code ?? 'failed' };
  const reason = `SMTP ${responseCode}`;
  const isOurs = code === 'EAUTH' || code === 'ETLS';
  return responseCode >= 500 && !isOurs ? { kind: 'permanent', reason } : { kind: 'transient', reason };
}
