import { createAccountNotices, type TellOwner } from '../../identity/account-notices.ts';
import type { OpenData } from '../open-data.ts';
import type { CommandContext } from './command.ts';

/** What a command changed of an account is told by the server that runs, or by the next that does: it looks in the outbox. */
export async function ownersTold(
  { settings, now, tell }: Pick<CommandContext, 'settings' | 'now' | 'tell'>,
  { contacts, database }: Pick<OpenData, 'contacts' | 'database'>,
): Promise<TellOwner> {
  const { PostgresOutbox } = await import('../../adapters/postgres/outbox.ts');
  return createAccountNotices({
    contacts,
    outbox: new PostgresOutbox(database),
    mailChannels: settings().smtp === undefined ? [] : ['smtp'],
    onError: () => tell('The owner of the account could not be told by mail.'),
    now,
  });
}
