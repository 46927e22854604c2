import type { Role } from '../domain/access.ts';
import type { Priority } from '../domain/alarm.ts';
import type { UserId } from '../domain/ids.ts';
import type { ReachablePerson } from '../domain/topic.ts';
import type { VersionedOutcome } from './versioned.ts';

/** Where a person can be reached, and who is behind an address. */
export interface Contacts {
  /** The verified contacts of these users, disabled ones left out. Each says from which priority on it wants to be told. */
  of(userIds: readonly UserId[]): Promise<readonly Contact[]>;
  /** These users with their wards and verified contacts, as far as telling is concerned; disabled ones left out. */
  people(userIds: readonly UserId[]): Promise<ReadonlyMap<UserId, KnownPerson>>;
  /** All contacts of one user, verified or not, in the order they were added. */
  ofUser(userId: UserId): Promise<readonly Contact[]>;
  /** Who has verified this address of this channel. At most one person. */
  userOf(channel: string, address: string): Promise<UserId | undefined>;
  /** Of a person's list; 0: never set. Every change of it counts, whoever made it. */
  versionOf(userId: UserId): Promise<number>;
  /**
   * These of the person, and no others, in one step: from the version they were made from, and without one only where
   * the person never had any. What is verified and named again stays verified.
   */
  replace(
    userId: UserId,
    wanted: readonly WantedContact[],
    made: { readonly from?: number; readonly by: string; readonly atMs: number },
  ): Promise<ReplaceContactsOutcome>;
  /** Adds it unverified, or changes what may be changed of it; a verified one stays verified. */
  put(contact: {
    readonly userId: UserId;
    readonly channel: string;
    readonly address: string;
    readonly minPriority?: Priority;
    /** For the version of the list; absent: the program itself. */
    readonly changedBy?: string;
    readonly atMs: number;
  }): Promise<'added' | 'changed' | 'too-many'>;
  remove(contact: {
    readonly userId: UserId;
    readonly channel: string;
    readonly address: string;
    readonly changedBy?: string;
    readonly atMs: number;
  }): Promise<boolean>;
  /** Remembers the code that was sent; a new one replaces it. Only the code's SHA-256 is kept. */
  startVerification(start: {
    readonly userId: UserId;
    readonly channel: string;
    readonly address: string;
    readonly codeSha256: string;
    readonly expiresAtMs: number;
    readonly atMs: number;
  }): Promise<'started' | 'not-found'>;
  /** Compares, counts wrong tries, and marks the contact verified. */
  verify(attempt: {
    readonly userId: UserId;
    readonly channel: string;
    readonly address: string;
    readonly codeSha256: string;
    readonly atMs: number;
    /** Wrong tries after which the code is void. */
    readonly triesMax: number;
  }): Promise<VerifyOutcome>;
  /** Marks it verified without a code, because somebody else vouches: an administrator, or the channel itself. */
  vouch(contact: {
    readonly userId: UserId;
    readonly channel: string;
    readonly address: string;
    readonly by: 'admin' | 'channel';
    readonly atMs: number;
  }): Promise<'verified' | 'not-found' | 'taken'>;
}

export interface WantedContact extends Pick<Contact, 'channel' | 'address' | 'minPriority'> {
  /** Verified without a code. */
  readonly vouchedBy?: 'admin' | 'channel';
}

export type ReplaceContactsOutcome =
  | VersionedOutcome
  /** Somebody else has verified these addresses: places in the list. Nothing was changed. */
  | { readonly kind: 'taken'; readonly at: readonly number[] };

/** One person's: mail, telephone, two messengers and a few browsers leave room. */
export const CONTACTS_MAX = 20;

export interface Contact {
  readonly userId: UserId;
  /** The configured name of the channel. */
  readonly channel: string;
  /** What the channel's notifier takes as recipient: a mail address, a phone number, a Slack user id. */
  readonly address: string;
  readonly verified: boolean;
  readonly verifiedBy?: 'code' | 'admin' | 'channel';
  /** Told only of alarms at least this urgent; absent: of all. */
  readonly minPriority?: Priority;
}

export type VerifyOutcome =
  | 'verified'
  | 'wrong'
  | 'expired' // or never started, or tried too often
  | 'taken' // somebody else has verified it
  | 'not-found';

/** Somebody who can be told; of what, the access policies say by their roles. */
export interface KnownPerson extends Omit<ReachablePerson, 'mayHearOfPatients'> {
  readonly roles: readonly Role[];
}
