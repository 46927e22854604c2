import { createHash } from 'node:crypto';
import { lintSource } from '@secretlint/core';
import { creator as recommended } from '@secretlint/secretlint-rule-preset-recommend';

/** Something in a file that opens something, or looks as if it did. */
export interface FoundSecret {
  readonly file: string;
  readonly line: number;
  readonly what: string;
  /** The first 12 hexadecimal digits of its SHA-256: names it without repeating it. */
  readonly digest: string;
}

/** Tokens of vendors and clouds, private keys and addresses with passwords (secretlint), and secrets of our own. */
export async function secretsIn(file: string, content: string): Promise<readonly FoundSecret[]> {
  if (content.includes('\0')) return [];
  const { messages } = await lintSource({
    source: { filePath: `/${file}`, content, contentType: 'text' },
    options: { config: { rules: [RULES] }, maskSecrets: true, noPhysicFilePath: true },
  });
  const found = messages.map(({ range: [from, to], message }) => ({
    from,
    to,
    what: message.replace(/: \*+.*$/s, ''),
  }));
  const own = [OWN, PEM].flatMap((pattern) =>
    [...content.matchAll(pattern)].map(({ index, 0: text }) => ({
      from: index,
      to: index + text.length,
      what: pattern === PEM ? 'a private key' : 'a secret of ours',
    })),
  );
  return [...found, ...own].map(({ from, to, what }) => ({
    file,
    line: content.slice(0, from).split('\n').length,
    what,
    digest: createHash('sha256').update(content.slice(from, to)).digest('hex').slice(0, 12),
  }));
}

const RULES = { id: '@secretlint/secretlint-rule-preset-recommend', rule: recommended, options: {} };

/** `server/src/identity/secrets.ts`: a prefix and 256 bits; Standard Webhooks' own. */
const OWN = /\bhs[stdp]_[A-Za-z0-9_-]{43}\b|\bwhsec_[A-Za-z0-9+/]{40,}={0,2}/g;

/** Keys on curves are shorter than secretlint looks for. */
const PEM = /-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----\s[A-Za-z0-9+/=\s]{40,4000}-----END/g;
