import { createAccountNotices, type TellOwner } from '../identity/account-notices.ts';
import type { Contacts } from '../ports/contacts.ts';
import type { Notifier } from '../ports/notifier.ts';
import type { Outbox } from '../ports/outbox.ts';
import type { Log } from '../telemetry/log.ts';

/** Who is told by mail that their account was changed: everybody with a verified address, where a mail server is set. */
export function openAccountNotices(parts: {
  readonly contacts: Pick<Contacts, 'of'>;
  readonly notifiers: readonly Pick<Notifier, 'channel' | 'type'>[];
  readonly outbox: Pick<Outbox, 'enqueueSystem'>;
  readonly teller: { wake(): void };
  readonly log: Log;
  readonly now: () => number;
}): TellOwner {
  const { contacts, notifiers, outbox, teller, log, now } = parts;
  return createAccountNotices({
    contacts,
    outbox,
    mailChannels: notifiers.filter(({ type }) => type === 'smtp').map(({ channel }) => channel),
    onOrdered: () => teller.wake(),
    onError: (error) => log.warn('somebody could not be told that their account was changed', { error }),
    now,
  });
}
