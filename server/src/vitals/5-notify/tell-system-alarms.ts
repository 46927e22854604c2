import { recipientsOf } from '../../domain/topic.ts';
import type { Outbox } from '../../ports/outbox.ts';
import type { SystemAlarm } from '../../ports/system-alarms.ts';
import type { ChannelWatch } from './channel-watch.ts';
import { FAILING_FROM } from './channel-watch.ts';
import type { Subscribers } from './teller.ts';

/** Tries this often before it is left to the wall: the database may be what is broken. */
const TRIES_MAX = 5;
const PAUSE_MS = 1_000;

/** Alarms of the installation to whoever subscribes to `system…`, by channels that are not known to fail. */
export function createSystemTelling(options: {
  readonly outbox: Pick<Outbox, 'enqueueSystem'>;
  readonly subscribers: () => Promise<Subscribers>;
  readonly watch: Pick<ChannelWatch, 'health'>;
  readonly now: () => number;
  readonly onOrdered: () => void;
  readonly onError: (error: unknown) => void;
}): (alarm: SystemAlarm) => Promise<void> {
  const { outbox, subscribers, watch, now, onOrdered, onError } = options;

  async function order(alarm: SystemAlarm): Promise<void> {
    const { subscriptions, people } = await subscribers();
    const { priority, tenantId } = alarm;
    const happening = {
      event: 'raised',
      class: 'system',
      priority,
      wardIds: [],
      isNews: true,
      ...(tenantId !== undefined && { tenantId }),
    } as const;
    const recipients = recipientsOf(happening, subscriptions, people).filter(
      ({ channel }) => (watch.health().get(channel)?.failedInARow ?? 0) < FAILING_FROM,
    );
    if ((await outbox.enqueueSystem(alarm, recipients, now())) > 0) onOrdered();
  }

  return async (alarm) => {
    for (let tries = 1; ; tries++) {
      try {
        return await order(alarm);
      } catch (error) {
        onError(error);
        if (tries === TRIES_MAX) return;
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS * 2 ** tries).unref());
      }
    }
  };
}
