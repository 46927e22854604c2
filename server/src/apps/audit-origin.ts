import { randomBytes } from 'node:crypto';

/** First line of every signed head of a log that is made now. 64 bits: two logs never share a name. */
export function newOrigin(): string {
  return `healthsync-audit/${randomBytes(8).toString('hex')}`;
}
