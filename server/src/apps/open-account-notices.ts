import { PostgresAccounts } from '../adapters/postgres/accounts.ts';
import { createAccountMail, createAccountNotices, type TellOwner } from '../identity/account-notices.ts';
import { watchKeyEnds } from '../identity/key-end-watch.ts';
import type { Contacts } from '../ports/contacts.ts';
import type { Notifier } from '../ports/notifier.ts';
import type { Outbox } from '../ports/outbox.ts';
import type { Log } from '../telemetry/log.ts';
import type { OpenedTenants } from './open-tenants.ts';
import type { undoStack } from './undo.ts';

/**
 * Who is told by mail that their account was changed, or that a key of theirs ends soon: everybody with a verified
 * address, where a mail server is set.
 */
export function openAccountNotices(parts: {
  readonly contacts: Pick<Contacts, 'of'>;
  readonly notifiers: readonly Pick<Notifier, 'channel' | 'type'>[];
  readonly outbox: Pick<Outbox, 'enqueueSystem'>;
  readonly teller: { wake(): void };
  readonly tenants: Pick<OpenedTenants, 'signIn'>;
  readonly log: Log;
  readonly now: () => number;
  readonly undo: ReturnType<typeof undoStack>;
}): TellOwner {
  const { contacts, notifiers, outbox, teller, tenants, log, now, undo } = parts;
  const mailChannels = notifiers.filter(({ type }) => type === 'smtp').map(({ channel }) => channel);
  const mailParts = { contacts, outbox, mailChannels, onOrdered: () => teller.wake(), now };
  if (mailChannels.length > 0) {
    const watch = watchKeyEnds({
      accounts: new PostgresAccounts(tenants.signIn),
      mail: createAccountMail(mailParts),
      now,
      onError: (error) => log.warn('keys that end soon could not be looked for', { error }),
    });
    undo.push('keys that end soon', () => watch.stop());
  }
  return createAccountNotices({
    ...mailParts,
    onError: (error) => log.warn('somebody could not be told that their account was changed', { error }),
  });
}
