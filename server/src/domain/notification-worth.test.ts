import { describe, expect, it } from 'vitest';
import { CHANNEL_TYPES, NOTIFICATION_EVENTS } from './channel.ts';
import { type DeliveryFacts, mustGo, rankOf, SUMMARISED, worthOf } from './notification-worth.ts';

const OPEN = { state: 'active' } as const;
const TAKEN = { state: 'active', acknowledgedAtMs: 1 } as const;
const OVER = { state: 'resolved' } as const;
const NONE = { wasDelivered: false, isPending: false, wasToldOfRaising: false };
const TOLD = { wasDelivered: true, isPending: false, wasToldOfRaising: true, receipt: 'r' };
const worth = (over: Partial<DeliveryFacts> = {}) => {
  const worth = worthOf({
    event: 'raised',
    orderedAtMs: 1_000_000,
    channelType: 'sms',
    isFollowUp: false,
    alarm: OPEN,
    earlier: NONE,
    ...over,
  });
  return worth.kind === 'drop' ? worth.reason : worth.kind;
};

describe('a call to a person', () => {
  it.each(['raised', 'worsened', 'returned', 'ended', 'escalated', 'reminder'] as const)(
    '%s: sent while nobody has it, not once somebody does or it is over',
    (event) => {
      expect(worth({ event })).toBe('send');
      expect(worth({ event, alarm: TAKEN })).toBe('taken');
      expect(worth({ event, alarm: OVER })).toBe('over');
    },
  );
  it('of the raising is made once, of an escalation each time', () => {
    expect(worth({ earlier: TOLD })).toBe('told-already');
    expect(worth({ event: 'escalated', earlier: TOLD })).toBe('send');
    expect(worth({ event: 'returned', earlier: TOLD })).toBe('send');
  });
  it('of an escalation is not made to whom the alarm was told within the last minute', () => {
    const told = (latestOrderedAtMs: number, isPending = false) =>
      worth({ event: 'escalated', earlier: { ...TOLD, isPending, latestOrderedAtMs } });
    expect(told(999_500)).toBe('told-already');
    expect(told(940_001)).toBe('told-already');
    expect(told(940_000)).toBe('send');
    // While the other is on its way nobody knows yet that it arrives.
    expect(told(999_500, true)).toBe('wait');
    const machine = { ...TOLD, latestOrderedAtMs: 999_500 };
    expect(worth({ event: 'escalated', channelType: 'webhook', earlier: machine })).toBe('send');
  });
});

it('whoever subscribed to the taking or the end is told of it, however late', () => {
  expect(worth({ event: 'acknowledged', alarm: OVER })).toBe('send');
  expect(worth({ event: 'resolved', alarm: OVER })).toBe('send');
});

it('a machine is told everything', () => {
  for (const event of ['raised', 'escalated', 'acknowledged'] as const)
    expect(worth({ event, channelType: 'webhook', alarm: OVER })).toBe('send');
});

describe('what only changes an earlier message', () => {
  const followUp = (over: Partial<DeliveryFacts> = {}) =>
    worth({ event: 'acknowledged', isFollowUp: true, channelType: 'slack', alarm: TAKEN, earlier: TOLD, ...over });
  it('is sent when that message is there', () => expect(followUp()).toBe('send'));
  it('waits while it is on its way', () => expect(followUp({ earlier: { ...NONE, isPending: true } })).toBe('wait'));
  it('is nothing where nothing was sent', () => expect(followUp({ earlier: NONE })).toBe('nothing-to-change'));
  it('is nothing where the message cannot be found again', () => {
    const { receipt: _, ...nameless } = TOLD;
    expect(followUp({ earlier: nameless })).toBe('nothing-to-change');
    expect(followUp({ earlier: nameless, channelType: 'pagerduty' })).toBe('send');
  });
  it('is not sent after the end was, but the end is', () => {
    expect(followUp({ alarm: OVER })).toBe('over');
    expect(followUp({ alarm: OVER, event: 'resolved' })).toBe('send');
    expect(followUp({ alarm: OVER, channelType: 'webhook' })).toBe('send');
  });
});

it('every combination has an answer, and nothing about an open alarm that nobody has is ever lost', () => {
  for (const event of NOTIFICATION_EVENTS)
    for (const channelType of CHANNEL_TYPES)
      for (const wasToldOfRaising of [false, true]) {
        const answer = worth({ event, channelType, earlier: { ...NONE, wasToldOfRaising } });
        expect([event, answer]).toEqual([event, event === 'raised' && wasToldOfRaising ? 'told-already' : 'send']);
      }
});

it('must go: the first words of a high alarm, and codes; nothing else', () => {
  const going = NOTIFICATION_EVENTS.filter((event) => mustGo(event, 'high'));
  expect(going).toEqual(['raised', 'worsened', 'returned', 'escalated', 'verification']);
  for (const priority of ['medium', 'low'] as const)
    expect(NOTIFICATION_EVENTS.filter((event) => mustGo(event, priority))).toEqual(['verification']);
});

it('changes of earlier messages, codes, tests and summaries are never summed up', () =>
  expect(NOTIFICATION_EVENTS.filter((event) => !SUMMARISED.includes(event))).toEqual([
    'acknowledged',
    'resolved',
    'summary',
    'verification',
    'test',
  ]));

it('ranks', () => expect((['high', 'medium', 'low'] as const).map(rankOf)).toEqual([0, 1, 2]));
