import type { UserId } from '../domain/ids.ts';
import type { Contact, Contacts } from '../ports/contacts.ts';
import type { Outbox } from '../ports/outbox.ts';

/** What of somebody's account was changed, or used, that they should hear of if it was not they. */
type AccountChange =
  | 'password'
  | 'invitation'
  | 'factor-added'
  | 'factor-removed'
  | 'factors-reset'
  | 'recovery-codes'
  | 'recovery-code-used'
  | 'key'
  | 'name'
  | 'address'
  // Attempts that may be somebody else's (OWASP ASVS 6.3.5).
  | 'guessed-at'
  | 'signed-in-after-guesses'
  | 'password-known';

/**
 * Tells somebody by their own verified mail addresses that their account was changed: what and when, and nothing of it.
 * Never fails: what was changed stays so, and is in the audit log.
 */
export type TellOwner = (userId: UserId, change: AccountChange, at?: AlsoAt) => Promise<void>;

/** Addresses that were theirs until now. */
type AlsoAt = readonly Pick<Contact, 'channel' | 'address'>[];

/** Mail to somebody's own verified addresses about their own account. */
export type AccountMail = (
  userId: UserId,
  mail: {
    /** With `atMs`, what is said once, however often it is sent. */
    readonly id: string;
    readonly rule: string;
    readonly subject: string;
    readonly text: string;
    readonly atMs: number;
    readonly also?: AlsoAt;
  },
) => Promise<void>;

interface MailParts {
  readonly contacts: Pick<Contacts, 'of'>;
  readonly outbox: Pick<Outbox, 'enqueueSystem'>;
  /** Channels that send mail; none: nobody is told. */
  readonly mailChannels: readonly string[];
  /** Something was put into the outbox. */
  readonly onOrdered?: () => void;
  readonly now: () => number;
}

export function createAccountNotices(parts: MailParts & { readonly onError: (error: unknown) => void }): TellOwner {
  const { mailChannels, onError, now } = parts;
  if (mailChannels.length === 0) return async () => undefined;
  const mail = createAccountMail(parts);
  return (userId, change, also = []) =>
    mail(userId, {
      id: `account.${userId}.${change}`,
      rule: 'account-changed',
      subject: change in ATTEMPTS ? ATTEMPTED : CHANGED,
      text: `${WORDS[change]}\n${IF_NOT_YOU}`,
      atMs: now(),
      also,
    }).catch(onError);
}

export function createAccountMail({ contacts, outbox, mailChannels, onOrdered, now }: MailParts): AccountMail {
  return async (userId, { id, rule, subject, text, atMs, also = [] }) => {
    const addresses = [...(await contacts.of([userId])), ...also].filter(({ channel }) =>
      mailChannels.includes(channel),
    );
    const recipients = addresses.map(({ channel, address }) => ({ channel, recipient: address, userId }));
    const notice = { id, rule, priority: 'low', subject, text, state: 'active', raisedAtMs: atMs } as const;
    if ((await outbox.enqueueSystem(notice, recipients, now())) > 0) onOrdered?.();
  };
}

/** Of the verified addresses there were, those that are no longer among them. */
export function addressesGone(
  before: readonly Contact[],
  after: readonly Pick<Contact, 'channel' | 'address'>[],
): AlsoAt {
  return before.filter(
    ({ channel, address, verified }) =>
      verified && !after.some((other) => other.channel === channel && other.address === address),
  );
}

const CHANGED = 'HealthSync: your account was changed';
const ATTEMPTED = 'HealthSync: somebody tried to sign in as you';

const ATTEMPTS = {
  'guessed-at': 'Somebody tries passwords at your sign-in name. None was right so far.',
  'signed-in-after-guesses': 'Somebody signed in as you, after many passwords that were wrong.',
  'password-known':
    'Somebody gave your right password and then wrong codes for your second factor. They are not in; your password is known to them: change it.',
} as const;

const WORDS: Readonly<Record<AccountChange, string>> = {
  ...ATTEMPTS,
  password: 'Your password was changed. Where you were signed in, that has ended.',
  invitation: 'Somebody who manages accounts made a link with which a new password can be chosen for your account.',
  'factor-added': 'A second factor was added to your account.',
  'factor-removed': 'A second factor of your account was taken away.',
  'factors-reset': 'All second factors of your account were taken away, and where you were signed in, that has ended.',
  'recovery-codes': 'New recovery codes were made for your account; those before are worthless.',
  'recovery-code-used': 'One of your recovery codes was used.',
  key: 'A key for scripts was made for your account.',
  name: 'Your sign-in name was changed.',
  address: 'Your addresses for messages were changed.',
};

const IF_NOT_YOU =
  'If it was not you: tell whoever manages accounts, and end what you do not know under "My account", "Sessions and keys".';
