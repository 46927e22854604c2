import type { Subscription } from '../domain/topic.ts';
import type { TellOwner } from '../identity/account-notices.ts';
import type { User } from '../ports/accounts.ts';
import type { ChannelPolicies } from '../ports/channel-policies.ts';
import type { Contacts } from '../ports/contacts.ts';
import type { Notifier } from '../ports/notifier.ts';
import type { Outbox } from '../ports/outbox.ts';
import type { SystemAlarmStore } from '../ports/system-alarms.ts';
import type { TopicSubscriptions } from '../ports/topic-subscriptions.ts';
import type { TestChannel } from '../vitals/5-notify/channel-test.ts';
import type { ChannelWatch } from '../vitals/5-notify/channel-watch.ts';
import type { ContactVerification } from '../vitals/5-notify/contact-verification.ts';
import type { SystemAlarmDesk } from '../vitals/5-notify/system-alarm-desk.ts';

/** What the routes about telling need. Wired by the composition root. */
export interface TellingServices {
  readonly notifiers: readonly Notifier[];
  readonly contacts: Contacts;
  readonly verification: ContactVerification;
  readonly topics: TopicSubscriptions;
  /** Subscriptions and endpoints of the settings, which are changed there. */
  readonly house: {
    readonly subscriptions: readonly Subscription[];
    /** Where a channel can send only to what the settings name: those names. */
    readonly endpoints: ReadonlyMap<string, readonly string[]>;
  };
  readonly policies: ChannelPolicies;
  readonly watch: Pick<ChannelWatch, 'health'>;
  readonly traffic: Outbox['traffic'];
  readonly testChannel: TestChannel;
  readonly systemAlarms: Pick<SystemAlarmDesk, 'open' | 'acknowledge'>;
  readonly systemAlarmStore: Pick<SystemAlarmStore, 'list'>;
  readonly users: () => Promise<readonly User[]>;
  /** Of addresses of theirs that are so no longer. */
  readonly tellOwner?: TellOwner;
  readonly now: () => number;
}
