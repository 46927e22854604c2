import type { ChannelType } from '../../server/src/domain/channel.ts';
import type { AlarmId } from '../../server/src/domain/ids.ts';
import type { DeliveryOutcome, Notifier } from '../../server/src/ports/notifier.ts';
import type { Dice } from './dice.ts';
import { CHANNELS, type Trouble } from './plan.ts';
import type { Life } from './virtual-time.ts';
import { BOARD } from './ward.ts';
import { type Page, short, type World } from './world.ts';

const TYPES: Readonly<Record<string, ChannelType>> = { mail: 'smtp', text: 'sms', [BOARD]: 'webhook' };

/** The channels as one process reaches them. What was handed over is on its way, whatever becomes of the process. */
export function channelsOf(world: World, life: Life, dice: Dice, onPage: (page: Page) => void): readonly Notifier[] {
  return [...CHANNELS, BOARD].map((channel) => ({
    channel,
    type: TYPES[channel] as ChannelType,
    send: (message, { idempotencyKey, signal }) =>
      new Promise((resolve) => {
        if (life.isOver) return;
        world.sendings.push({ atMs: world.time.nowMs, by: life.name, key: idempotencyKey, channel });
        const trouble = troubleOf(world, channel);
        const reply = (ms: number, outcome: DeliveryOutcome) => world.time.after(ms, life, () => resolve(outcome));
        signal.addEventListener('abort', () => resolve({ kind: 'transient', reason: 'timeout' }), { once: true });
        const arrive = (afterMs: number) =>
          world.time.after(afterMs, undefined, () => {
            const { recipient, event, alarm } = message;
            const about = alarm === undefined ? {} : { alarmId: alarm.id as AlarmId };
            const page: Page = { atMs: world.time.nowMs, key: idempotencyKey, channel, recipient, event, ...about };
            world.pages.push(page);
            world.tell(() => `page     ${recipient} ${event} ${short(alarm?.id ?? '-')} ${idempotencyKey}`);
            onPage(page);
          });
        const travelMs = dice.between(5, 200);
        switch (trouble) {
          case undefined:
            arrive(travelMs);
            reply(travelMs + dice.between(5, 200), { kind: 'delivered', receipt: `${channel}-${world.pages.length}` });
            break;
          case 'busy':
            reply(travelMs, { kind: 'transient', reason: 'busy' });
            break;
          case 'refuses':
            reply(travelMs, { kind: 'permanent', reason: 'refused' });
            break;
          case 'silent':
            break;
          case 'slow':
            arrive(dice.between(8_000, 30_000));
            break;
          case 'no-receipt':
            arrive(travelMs);
            break;
          default:
            trouble satisfies never;
        }
      }),
  }));
}

function troubleOf(world: World, channel: string): Trouble | undefined {
  const atMs = world.sinceStart();
  return world.plan.channelTroubles.find((each) => each.channel === channel && atMs >= each.fromMs && atMs < each.toMs)
    ?.trouble;
}
