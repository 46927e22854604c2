import type { Alarm } from '../../domain/alarm.ts';
import { CHANNEL_TRAITS, type ChannelType } from '../../domain/channel.ts';
import type { AlarmId, WardId } from '../../domain/ids.ts';
import { allows, type ChannelPolicy } from '../../domain/message-policy.ts';
import {
  type MessageFacts,
  type MessageWords,
  summaryWords,
  systemWords,
  wordsOf,
} from '../../domain/message-words.ts';
import type { Notification, RichContent } from '../../ports/notifier.ts';
import type { Delivery } from '../../ports/outbox.ts';

/** Where things are found that a message may need. */
export interface MessageSources {
  /** Where the patient lies now. */
  readonly placeOf: (alarm: Alarm) => { readonly bed?: string; readonly wardId?: WardId };
  /** Asked only where the policy lets the name be said. */
  readonly nameOf?: (alarm: Alarm) => Promise<string | undefined>;
  /** Asked only where the policy lets it be shown and the channel shows pictures. */
  readonly rich?: (facts: MessageFacts, alarm: Alarm, words: MessageWords) => Promise<RichContent | undefined>;
  /** Makes the token that an answer must bring back. */
  readonly answerToken?: (to: {
    readonly alarmId: AlarmId;
    readonly channel: string;
    readonly recipient: string;
  }) => Promise<string>;
  readonly wallUrl?: string;
}

/** Names, charts and tokens are asked for elsewhere: worth this long a wait, and never worth the message. */
const EXTRAS_MAX_MS = 2_000;

/** The message of a delivery under its channel's policy: nothing about a patient leaves but through here. */
export async function compose(
  delivery: Delivery,
  channel: { readonly type: ChannelType; readonly policy: ChannelPolicy },
  sources: MessageSources,
): Promise<Notification> {
  const { event, recipient, about } = delivery;
  const { wallUrl } = sources;
  const base = { event, recipient, ...(wallUrl === undefined ? {} : { wallUrl }) };
  switch (about.kind) {
    case 'alarm':
      return { ...base, ...(await composeAlarm(delivery, about, channel, sources)) };
    case 'system': {
      const { id, priority, raisedAtMs } = about.alarm;
      const alarm = { id, priority, kind: 'technical', raisedAtMs } as const;
      return { ...base, ...systemWords(about.alarm, wallUrl), alarm };
    }
    case 'summary':
      return {
        ...base,
        ...summaryWords({
          count: about.count,
          highest: delivery.priority,
          ...(wallUrl === undefined ? {} : { wallUrl }),
        }),
      };
    default:
      return about satisfies never;
  }
}

async function composeAlarm(
  { event, channel, recipient }: Delivery,
  { alarm: now, change, earlier }: Extract<Delivery['about'], { kind: 'alarm' }>,
  { type, policy }: { readonly type: ChannelType; readonly policy: ChannelPolicy },
  sources: MessageSources,
): Promise<Omit<Notification, 'recipient' | 'event'>> {
  // As it was when it was to be told: a later change is told by its own message.
  const alarm = change?.alarm ?? now;
  const { bed } = sources.placeOf(alarm);
  const patientName = allows(policy.level, 'rich') ? await extra(() => sources.nameOf?.(alarm)) : undefined;
  const facts: MessageFacts = {
    event,
    alarm,
    ...(bed === undefined ? {} : { bed }),
    ...(patientName === undefined ? {} : { patientName }),
    ...(sources.wallUrl === undefined ? {} : { wallUrl: sources.wallUrl }),
  };
  const words = wordsOf(facts, policy.level);
  const showsRich = allows(policy.level, 'rich') && policy.confidential && CHANNEL_TRAITS[type].showsPictures;
  const rich = showsRich ? await extra(() => sources.rich?.(facts, alarm, words)) : undefined;
  const canAnswer = policy.answers && now.state === 'active' && now.acknowledgedAtMs === undefined;
  const answerToken = canAnswer
    ? await extra(() => sources.answerToken?.({ alarmId: alarm.id, channel, recipient }))
    : undefined;
  return {
    ...words,
    alarm: { id: alarm.id, priority: alarm.priority, kind: alarm.kind, raisedAtMs: alarm.raisedAtMs },
    ...(answerToken === undefined ? {} : { answerToken }),
    ...(earlier.receipt === undefined ? {} : { earlierReceipt: earlier.receipt }),
    ...(rich === undefined ? {} : { rich }),
  };
}

/** What is missing when it takes too long or fails, the message does without. */
async function extra<T>(make: () => Promise<T | undefined> | undefined): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, EXTRAS_MAX_MS, undefined);
  });
  try {
    return await Promise.race([make(), tooLate]);
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}
