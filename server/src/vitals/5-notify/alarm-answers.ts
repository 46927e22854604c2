import type { Decisions } from '../../access/decisions.ts';
import { userSubject } from '../../access/user-subject.ts';
import type { Alarm } from '../../domain/alarm.ts';
import { type AlarmId, parseAlarmId, type UserId, type WardId } from '../../domain/ids.ts';
import { sha256Of } from '../../identity/secrets.ts';
import type { User } from '../../ports/accounts.ts';
import type { AlarmAnswer, AlarmAnswers, AnswerOutcome } from '../../ports/alarm-answers.ts';
import type { AcknowledgeOutcome } from '../../ports/alarm-store.ts';
import type { AnswerTokens } from '../../ports/answer-tokens.ts';
import type { Contacts } from '../../ports/contacts.ts';
import type { Outbox } from '../../ports/outbox.ts';

export interface AnswerParts {
  readonly access: Pick<Decisions, 'decide'>;
  readonly contacts: Pick<Contacts, 'userOf'>;
  readonly tokens: Pick<AnswerTokens, 'find'>;
  readonly outbox: Pick<Outbox, 'latestTo' | 'wasTold' | 'noteReceipt'>;
  /** An address as contacts hold it: the other side may write it otherwise. */
  readonly addressOf: (channel: string, text: string) => string;
  readonly userById: (userId: UserId) => Promise<User | undefined>;
  readonly findAlarm: (id: AlarmId) => Promise<Alarm | undefined>;
  /** Where the patient lies now. */
  readonly wardNow: (alarm: Alarm) => WardId | undefined;
  readonly acknowledge: (request: {
    readonly id: AlarmId;
    readonly by: string;
    readonly byId: UserId;
  }) => Promise<AcknowledgeOutcome>;
  /** How a person is named in what they did. */
  readonly signatureOf: (user: User) => string;
  /** The other side took a message, and later says that it could not be brought. */
  readonly onUndelivered: (channel: string, recipient: string, reason: string) => void;
  readonly now: () => number;
  readonly hooks?: {
    answered?(channel: string, outcome: AnswerOutcome['kind']): void;
    receipt?(channel: string, state: string): void;
  };
}

/** A reply without a token is to the message read last; after this long nobody can say which that was. */
const LATEST_GOOD_FOR_MS = 12 * 3_600_000;

/** What comes back through the channels, turned into acknowledgements by identity. */
export function createAlarmAnswers(parts: AnswerParts): AlarmAnswers {
  const { contacts, outbox, now, hooks } = parts;

  async function answer(asked: AlarmAnswer): Promise<AnswerOutcome> {
    const userId = await contacts.userOf(asked.channel, parts.addressOf(asked.channel, asked.from));
    const user = userId === undefined ? undefined : await parts.userById(userId);
    if (user === undefined || user.disabledAtMs !== undefined) return { kind: 'unknown-person' };
    const meant = await alarmMeant(asked, user.id);
    if (typeof meant !== 'string') return meant;
    const alarm = await parts.findAlarm(meant);
    if (alarm === undefined) return { kind: 'unknown-alarm' };
    return mayTake(user, alarm) ? await take(user, alarm) : { kind: 'not-allowed' };
  }

  /** Which alarm, or why not. */
  async function alarmMeant({ by, channel }: AlarmAnswer, userId: UserId): Promise<AlarmId | AnswerOutcome> {
    if ('token' in by) return await byToken(by.token, channel, userId);
    if ('alarmId' in by) {
      const alarmId = parseAlarmId(by.alarmId);
      // A name that anybody may know opens nothing that was not told through here.
      const wasTold = alarmId !== undefined && (await outbox.wasTold({ alarmId, channel }));
      return wasTold ? alarmId : { kind: 'unknown-alarm' };
    }
    const latest = await outbox.latestTo({ channel, recipient: parts.addressOf(channel, by.latestTo) });
    // The latest was about several, or about none.
    if (latest?.alarmId === undefined) return { kind: 'unknown-alarm' };
    return now() - latest.atMs > LATEST_GOOD_FOR_MS ? { kind: 'expired' } : latest.alarmId;
  }

  async function byToken(secret: string, channel: string, userId: UserId): Promise<AlarmId | AnswerOutcome> {
    const token = await parts.tokens.find(sha256Of(secret));
    if (token === undefined || token.channel !== channel) return { kind: 'unknown-alarm' };
    if (now() >= token.expiresAtMs) return { kind: 'expired' };
    // What was sent to one person is answered by that person; what went to a group, by anyone known in it.
    const owner = await contacts.userOf(channel, token.recipient);
    return owner === undefined || owner === userId ? token.alarmId : { kind: 'not-allowed' };
  }

  function mayTake(user: User, alarm: Alarm): boolean {
    const wardId = parts.wardNow(alarm) ?? alarm.wardId;
    const resource = { kind: 'patient', patientId: alarm.patientId, ...(wardId !== undefined && { wardId }) } as const;
    return parts.access.decide({ principal: userSubject(user), action: 'alarm.acknowledge', resource }).allowed;
  }

  async function take(user: User, { id }: Alarm): Promise<AnswerOutcome> {
    const by = parts.signatureOf(user);
    const outcome = await parts.acknowledge({ id, by, byId: user.id });
    switch (outcome.kind) {
      case 'acknowledged':
        return { kind: 'done', owner: by };
      case 'already-acknowledged':
      case 'already-resolved':
        return { kind: 'already', owner: outcome.alarm.acknowledgedBy ?? outcome.alarm.owner ?? 'nobody: it is over' };
      case 'not-found':
        return { kind: 'unknown-alarm' };
      default:
        return outcome satisfies never;
    }
  }

  return {
    async answer(asked) {
      const outcome = await answer(asked);
      hooks?.answered?.(asked.channel, outcome.kind);
      return outcome;
    },
    async receipt({ channel, receipt, state, detail }) {
      const noted = await outbox.noteReceipt({
        channel,
        receipt,
        state,
        ...(detail === undefined ? {} : { detail }),
        atMs: now(),
      });
      if (noted?.isNew !== true) return;
      hooks?.receipt?.(channel, state);
      if (state === 'failed') parts.onUndelivered(channel, noted.recipient, detail ?? 'not delivered');
    },
  };
}
