import { CHANNEL_TRAITS, type ChannelType } from './channel.ts';
import type { RateLimit } from './rate-limit.ts';

/**
 * What a message may say. It may pass through mail servers, phone networks and lock screens, so by default it holds the
 * least that gets a person to the bed. Each level holds what the one before does, and more:
 *
 *   minimal    how urgent, and which bed
 *   standard   what kind of condition, in words: `heart rate high`
 *   detailed   value and limit
 *   rich       the patient's name, and a trend chart where the channel shows pictures
 */
export const MESSAGE_LEVELS = ['minimal', 'standard', 'detailed', 'rich'] as const;
export type MessageLevel = (typeof MESSAGE_LEVELS)[number];

export interface ChannelPolicy {
  readonly level: MessageLevel;
  /** The operator vouches that nobody but the reader can read on the way: only then may names be said. */
  readonly confidential: boolean;
  /** Messages carry what is needed to acknowledge from there. */
  readonly answers: boolean;
  /** Several messages that had to wait for one recipient are told as one. */
  readonly summarises: boolean;
  readonly limits: { readonly channel: RateLimit; readonly recipient: RateLimit };
}

export function allows(level: MessageLevel, least: MessageLevel): boolean {
  return MESSAGE_LEVELS.indexOf(level) >= MESSAGE_LEVELS.indexOf(least);
}

export interface PolicyProblem {
  readonly field: string;
  readonly code: 'not-confidential' | 'not-for-machines' | 'no-way-to-answer';
  readonly detail: string;
}

/** What is wrong with a policy for a channel of this type, all of it. Ranges are the contract's business. */
export function policyProblems(type: ChannelType, policy: ChannelPolicy): readonly PolicyProblem[] {
  const problems: PolicyProblem[] = [];
  if (allows(policy.level, 'rich') && !policy.confidential)
    problems.push({
      field: 'level',
      code: 'not-confidential',
      detail: 'Names may be said only on a channel marked confidential.',
    });
  if (policy.summarises && !CHANNEL_TRAITS[type].isForPeople)
    problems.push({
      field: 'summarises',
      code: 'not-for-machines',
      detail: 'A machine needs every message: only those to people are told as one.',
    });
  if (policy.answers && !CAN_ANSWER.includes(type))
    problems.push({ field: 'answers', code: 'no-way-to-answer', detail: 'Nothing comes back through such a channel.' });
  return problems;
}

/** A mail's link would be followed by scanners on the way; a webhook's other side has an account of its own. */
const CAN_ANSWER: readonly ChannelType[] = ['slack', 'teams', 'web-push', 'pagerduty', 'sms', 'whatsapp'];

/**
 * As installed. What a person can take: five messages at once, then two a minute; more than that is not read, and the
 * wall says it better. What a channel can take is the other side's published limit or well below what would make it
 * throttle us, which it says itself (429, 4yz) and we then obey.
 */
export function defaultPolicy(type: ChannelType): ChannelPolicy {
  const { isForPeople } = CHANNEL_TRAITS[type];
  return {
    level: 'minimal',
    confidential: false,
    answers: CAN_ANSWER.includes(type),
    summarises: isForPeople && type !== 'pagerduty',
    limits: { channel: CHANNEL_LIMITS[type], recipient: RECIPIENT_LIMITS[type] },
  };
}

const PERSON: RateLimit = { burst: 5, perMinute: 2 };
const MACHINE: RateLimit = { burst: 100, perMinute: 600 };

const RECIPIENT_LIMITS: Readonly<Record<ChannelType, RateLimit>> = {
  smtp: PERSON,
  webhook: MACHINE,
  'web-push': PERSON,
  slack: PERSON,
  teams: PERSON,
  // It pages by its own rules, and groups by incident.
  pagerduty: MACHINE,
  sms: PERSON,
  whatsapp: PERSON,
};

const CHANNEL_LIMITS: Readonly<Record<ChannelType, RateLimit>> = {
  // Relays commonly take some hundred mails a minute from one client.
  smtp: { burst: 50, perMinute: 300 },
  webhook: { burst: 200, perMinute: 1_200 },
  'web-push': { burst: 200, perMinute: 1_200 },
  // About one message per second and conversation; short bursts are let through.
  slack: { burst: 20, perMinute: 60 },
  // An incoming webhook is throttled above four requests a second.
  teams: { burst: 4, perMinute: 120 },
  // Throttled per integration, at about two events a second.
  pagerduty: { burst: 60, perMinute: 120 },
  // An ordinary long number sends about one message a second, and queues the rest at the carrier.
  sms: { burst: 20, perMinute: 60 },
  whatsapp: { burst: 50, perMinute: 600 },
};
