import { isIP } from 'node:net';
import type { RelyingParty } from './passkeys.ts';

/**
 * Under which of its own names a browser reached this server, for passkeys, which are bound to that name (WebAuthn
 * §5.1.2). Undefined for a number, or for a name that is none of ours: the Host header is the browser's word only.
 */
export function relyingParties(options: {
  /** Host names of this server; `localhost` is always one. */
  readonly names: readonly string[];
  /** How it is reached from outside, perhaps through a proxy that puts another name into the Host header. */
  readonly publicUrl?: string;
}): (host: string | undefined) => RelyingParty | undefined {
  const outside = options.publicUrl === undefined ? undefined : new URL(options.publicUrl);
  const names = new Set(['localhost', ...options.names.map((name) => name.toLowerCase())]);
  return (host) => {
    const url = URL.parse(`https://${host ?? ''}`);
    if (url !== null && url.host === host && names.has(url.hostname) && isIP(url.hostname) === 0)
      return { id: url.hostname, origin: url.origin };
    return outside === undefined ? undefined : { id: outside.hostname, origin: outside.origin };
  };
}
