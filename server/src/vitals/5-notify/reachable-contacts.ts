import { rolesMay } from '../../access/role-decisions.ts';
import { CHANNEL_TRAITS } from '../../domain/channel.ts';
import type { UserId } from '../../domain/ids.ts';
import type { ReachablePerson } from '../../domain/topic.ts';
import type { Contacts, KnownPerson } from '../../ports/contacts.ts';
import type { Notifier } from '../../ports/notifier.ts';

export interface ReachableContacts extends Contacts {
  people(userIds: readonly UserId[]): Promise<ReadonlyMap<UserId, ReachablePerson & KnownPerson>>;
}

/**
 * Contacts, of which only those are answered for telling that a configured channel can reach: an address of a channel
 * that is gone, or one that only says who answered, reaches nobody.
 */
export function reachableContacts(contacts: Contacts, notifiers: readonly Notifier[]): ReachableContacts {
  const reaching = new Set(
    notifiers
      .filter(({ type }) => {
        const { contact } = CHANNEL_TRAITS[type];
        return contact !== undefined && contact.isIdentityOnly !== true;
      })
      .map(({ channel }) => channel),
  );
  return {
    async of(userIds) {
      return (await contacts.of(userIds)).filter(({ channel }) => reaching.has(channel));
    },
    async people(userIds) {
      const people = [...(await contacts.people(userIds))];
      return new Map(
        people.map(([userId, person]) => [
          userId,
          {
            ...person,
            // A screen may read alarms; nobody carries it about.
            mayHearOfPatients: rolesMay(person.roles, 'alarm.acknowledge'),
            contacts: person.contacts.filter(({ channel }) => reaching.has(channel)),
          },
        ]),
      );
    },
    ofUser: (userId) => contacts.ofUser(userId),
    userOf: (channel, address) => contacts.userOf(channel, address),
    versionOf: (userId) => contacts.versionOf(userId),
    replace: (...change) => contacts.replace(...change),
    put: (contact) => contacts.put(contact),
    remove: (contact) => contacts.remove(contact),
    startVerification: (start) => contacts.startVerification(start),
    verify: (attempt) => contacts.verify(attempt),
    vouch: (contact) => contacts.vouch(contact),
  };
}
