import { randomBytes } from 'node:crypto';
import type { SecondFactors } from '../ports/second-factors.ts';
import type { Seal } from './seal.ts';
import { sha256Of } from './secrets.ts';

/**
 * What was begun with a browser and must come back once: sealed, so that nothing is kept for those that never do, and
 * marked as used only when something was proven with it.
 */
export interface Tickets {
  issue<Data extends object>(purpose: string, data: Data): { readonly ticket: string; readonly expiresAtMs: number };
  read<Data extends object>(purpose: string, ticket: string): Ticket<Data> | undefined;
}

export interface Ticket<Data> {
  readonly data: Data;
  /** True once: whoever comes second with the same ticket has copied it. */
  spend(): Promise<boolean>;
}

/** As long as a first factor counts while the second is looked for. */
export const TICKET_MS = 10 * 60_000;

export function createTickets(options: {
  readonly seal: Seal;
  readonly store: Pick<SecondFactors, 'spend'>;
  readonly now: () => number;
}): Tickets {
  const { seal, store, now } = options;
  return {
    issue(purpose, data) {
      const expiresAtMs = now() + TICKET_MS;
      // The random part makes every ticket another one, whatever is in it.
      const once = randomBytes(16).toString('base64url');
      return { ticket: seal.seal(`ticket:${purpose}`, { once, expiresAtMs, data }), expiresAtMs };
    },
    read<Data extends object>(purpose: string, ticket: string) {
      const opened = seal.open(`ticket:${purpose}`, ticket) as Sealed<Data> | undefined;
      if (opened === undefined || opened.expiresAtMs <= now()) return undefined;
      const { once, expiresAtMs, data } = opened;
      return { data, spend: () => store.spend({ sha256: sha256Of(once), expiresAtMs, nowMs: now() }) };
    },
  };
}

interface Sealed<Data> {
  readonly once: string;
  readonly expiresAtMs: number;
  readonly data: Data;
}
