import { createHmac } from 'node:crypto';

/**
 * Signs as Standard Webhooks 1.0.0 says (standardwebhooks.com, "Signature scheme"): HMAC-SHA256 over
 * `<id>.<timestamp>.<body>`, one `v1` signature per secret. With the new secret first and the old one behind it, a
 * receiver can change over whenever it likes.
 */
export function standardWebhookHeaders(message: {
  /** The same for every attempt. */
  readonly id: string;
  readonly atMs: number;
  readonly body: Uint8Array | string;
  readonly secrets: readonly string[];
}): Readonly<Record<'webhook-id' | 'webhook-timestamp' | 'webhook-signature', string>> {
  // "Not allowed to include any `.`": it ends the id in what is signed.
  const id = message.id.replaceAll('.', '_');
  const seconds = Math.floor(message.atMs / 1_000);
  const signatures = message.secrets.map((secret) => {
    const signed = createHmac('sha256', webhookKey(secret)).update(`${id}.${seconds}.`).update(message.body);
    return `v1,${signed.digest('base64')}`;
  });
  return { 'webhook-id': id, 'webhook-timestamp': String(seconds), 'webhook-signature': signatures.join(' ') };
}

const PREFIX = 'whsec_';

/** `whsec_` and base64 as the specification writes secrets; any other text is its own bytes. */
function webhookKey(secret: string): Buffer {
  return secret.startsWith(PREFIX) ? Buffer.from(secret.slice(PREFIX.length), 'base64') : Buffer.from(secret);
}
