import type { SystemAlarms } from '../../ports/system-alarms.ts';

/** How each channel fares, and the alarm of the installation when one does not deliver. */
export interface ChannelWatch {
  delivered(channel: string, recipient: string): void;
  /** An attempt failed; it is tried again. */
  failed(channel: string, reason: string): void;
  /** A delivery was given up: somebody was not told, and will not be by it. */
  gaveUp(channel: string, recipient: string, reason: string): void;
  health(): ReadonlyMap<string, ChannelHealth>;
}

export interface ChannelHealth {
  readonly lastDeliveredAtMs?: number;
  readonly lastFailedAtMs?: number;
  readonly lastFailure?: string;
  readonly failedInARow: number;
}

/** One failure is a hiccup, which the next attempt a second later mends; the third in a row is a channel in trouble. */
export const FAILING_FROM = 3;

export const CHANNEL_FAILING = 'channel.failing';

/** Recipients whose failures are remembered per channel; beyond it the alarm stays until a person takes it. */
const RECIPIENTS_MAX = 1_000;

export function createChannelWatch(options: {
  /** The configured names. */
  readonly channels: readonly string[];
  readonly systemAlarms: SystemAlarms;
  readonly now: () => number;
}): ChannelWatch {
  const { channels, systemAlarms, now } = options;
  const health = new Map<string, ChannelHealth>();
  const untold = new Map<string, Set<string>>();
  const healthOf = (channel: string): ChannelHealth => health.get(channel) ?? { failedInARow: 0 };
  const isFailing = (channel: string) => healthOf(channel).failedInARow >= FAILING_FROM;

  function noteFailure(channel: string, reason: string): void {
    const before = healthOf(channel);
    const failedInARow = before.failedInARow + 1;
    health.set(channel, { ...before, lastFailedAtMs: now(), lastFailure: reason, failedInARow });
    if (failedInARow !== FAILING_FROM) return;
    // Also one that deliveries are made for and that is no longer configured.
    for (const failing of new Set([...channels.filter(isFailing), channel])) raiseFailing(failing);
  }

  /** With no other channel left nobody beyond the wall is told of anything. */
  function raiseFailing(channel: string): void {
    // One that was never used since the start is no way out that anybody has.
    const isLast = channels.filter((each) => health.has(each)).every(isFailing);
    systemAlarms.raise({
      id: failingId(channel),
      rule: CHANNEL_FAILING,
      priority: isLast ? 'high' : 'medium',
      text: `Messages by ${channel} are not getting through (${healthOf(channel).lastFailure ?? 'failed'}). ${
        isLast ? 'No other channel works: watch the wall.' : 'They are tried again; other channels work.'
      }`,
    });
  }

  return {
    delivered(channel, recipient) {
      const { lastFailedAtMs, lastFailure } = healthOf(channel);
      const wasFailing = isFailing(channel);
      health.set(channel, {
        ...(lastFailedAtMs === undefined ? {} : { lastFailedAtMs }),
        ...(lastFailure === undefined ? {} : { lastFailure }),
        lastDeliveredAtMs: now(),
        failedInARow: 0,
      });
      systemAlarms.clear(failingId(channel));
      // What was high because nothing worked is less so now.
      if (wasFailing) for (const failing of channels.filter(isFailing)) raiseFailing(failing);
      const theirs = untold.get(channel);
      if (theirs?.delete(recipient) === true && theirs.size === 0) systemAlarms.clear(gaveUpId(channel));
    },
    failed: noteFailure,
    gaveUp(channel, recipient, reason) {
      const theirs = untold.get(channel) ?? new Set();
      untold.set(channel, theirs);
      if (theirs.size < RECIPIENTS_MAX) theirs.add(recipient);
      systemAlarms.raise({
        id: gaveUpId(channel),
        rule: 'delivery.failed',
        priority: 'medium',
        text: `A message by ${channel} was given up (${reason}): ${theirs.size === 1 ? 'a recipient was' : `${theirs.size} recipients were`} not told. The alarm's page shows which; check the address and the channel.`,
      });
    },
    health: () => health,
  };
}

export const failingId = (channel: string): string => `channel.${channel}.failing`;
const gaveUpId = (channel: string): string => `delivery.${channel}.failed`;
