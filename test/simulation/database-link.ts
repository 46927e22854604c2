import type { EscalationRound } from '../../server/src/domain/escalation-round.ts';
import type { HeldTelling, RoundKey, ToldStep } from '../../server/src/ports/escalations.ts';
import { Failure } from '../../server/src/ports/failure.ts';
import type { Delivery, DeliveryOrder, DeliveryResult, Outbox } from '../../server/src/ports/outbox.ts';
import type { Dice } from './dice.ts';
import { FAULTS_END_MS, type NodeName, type Plan, START_MS } from './plan.ts';
import type { Life } from './virtual-time.ts';
import { type Planted, short, type World } from './world.ts';

/**
 * The way of one process to the database. A call takes time, is refused, is done and its answer lost, or is the last
 * thing its process does; what is done is done in one event, as a transaction is.
 */
export interface DatabaseLink {
  /** The same port, by this way. */
  to<Port extends object>(port: Port, name: string): Port;
}

/** These ask their caller in the middle: one who is dead answers no more, and nothing is written. */
const ASKS_BACK: ReadonlySet<string> = new Set(['outbox.fanOut', 'workflow.advanceDue']);

export function linkTo(
  world: World,
  options: {
    readonly node: NodeName;
    readonly life: Life;
    readonly dice: Dice;
    /** Counts the call; true: the process dies with it. */
    readonly isLast: (phase: 'before' | 'after') => boolean;
    readonly kill: () => void;
  },
): DatabaseLink {
  const { time, plan, planted, tell } = world;
  const { node, life, dice, isLast, kill } = options;

  function call(what: string, given: readonly unknown[], execute: () => Promise<unknown>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (life.isOver) return;
      const isTroubled = world.sinceStart() < FAULTS_END_MS;
      const reply = (settle: () => void): void => {
        time.after(isTroubled && dice.chance(plan.slow) ? dice.between(100, 4_000) : dice.between(0, 4), life, settle);
      };
      const refuse = (why: string): void => {
        tell(() => `refused  ${what} (${why})`);
        reply(() => reject(new Failure('database-unavailable', why, { retryable: true })));
      };
      const run = (): void => {
        if (isLast('before')) {
          kill();
          return;
        }
        const why = isAway(plan, node, world.sinceStart())
          ? 'away'
          : isTroubled && dice.chance(plan.refused)
            ? 'refused'
            : undefined;
        if (why !== undefined) {
          refuse(why);
          return;
        }
        const isKilledAfter = isLast('after');
        answerOf(planted, what, given, execute, world).then(
          (answer) => {
            note(world, { by: life.name, what, given, answer });
            if (isKilledAfter) kill();
            else if (isTroubled && dice.chance(plan.answerLost)) refuse('done, answer lost');
            else reply(() => resolve(answer));
          },
          (error: unknown) => reply(() => reject(error)),
        );
      };
      const isDelayed = dice.chance(isTroubled ? 0.3 : 0.05);
      if (!isDelayed) {
        run();
        return;
      }
      // On its way it belongs to nobody: also that of a process that has died meanwhile may arrive.
      const outlives = !ASKS_BACK.has(what) && dice.chance(0.5);
      time.after(dice.between(1, 25), undefined, () => {
        if (life.isOver && !outlives) return;
        time.current = life;
        run();
      });
    });
  }

  return {
    to(port, name) {
      const known = new Map<PropertyKey, unknown>();
      return new Proxy(port, {
        get(target, property) {
          let method = known.get(property);
          if (method === undefined) {
            const value = Reflect.get(target, property, target) as (...given: unknown[]) => Promise<unknown>;
            method = (...given: unknown[]) =>
              call(`${name}.${String(property)}`, given, () => value.apply(target, given));
            known.set(property, method);
          }
          return method;
        },
      });
    },
  };
}

function answerOf(
  planted: Planted | undefined,
  what: string,
  given: readonly unknown[],
  execute: () => Promise<unknown>,
  world: World,
): Promise<unknown> {
  return planted?.around === undefined ? execute() : planted.around({ what, given, execute, world });
}

/** What must be known of the moment in which something was done. */
function note(
  { time, takings, toldTogether, alarms, broken, notify, tell }: World,
  { by, what, given, answer }: { by: string; what: string; given: readonly unknown[]; answer: unknown },
): void {
  const atMs = time.nowMs;
  switch (what) {
    case 'outbox.take':
      for (const { deliveryId, about, event } of answer as readonly Delivery[]) {
        // As it is, and not as the answer says.
        const alarm = about.kind === 'alarm' ? alarms.alarms.get(about.alarm.id) : undefined;
        const isTaken = alarm?.acknowledgedAtMs !== undefined || alarm?.state === 'resolved';
        takings.push({ atMs, by, deliveryId, what: 'taken', isTaken, isCall: CALLS.has(event) });
      }
      return;
    case 'outbox.enqueue':
      for (const { dedupeKey, event } of given[0] as readonly DeliveryOrder[])
        tell(() => `ordered  ${event} ${dedupeKey.replace(/[0-9a-f]{26}(?=[.:])/, '')}`);
      return;
    case 'workflow.completeTask':
      notify({ alarms: [], isForWorkflow: true });
      return;
    case 'outbox.summarise':
      if (answer !== undefined) takings.push({ atMs, by, deliveryId: (answer as Delivery).deliveryId, what: 'taken' });
      return;
    case 'outbox.tellWith': {
      const { deliveryId, toldWith } = given[0] as Parameters<Outbox['tellWith']>[0];
      takings.push({ atMs, by, deliveryId, what: 'put-back' });
      if (answer === true) toldTogether.push({ atMs, deliveryId, with: toldWith });
      tell(() => `recorded ${deliveryId} ${answer === true ? 'told' : 'not told'} with ${toldWith}`);
      return;
    }
    case 'outbox.record': {
      const { deliveryId, outcome } = given[0] as DeliveryResult;
      takings.push({ atMs, by, deliveryId, what: outcome.kind === 'delivered' ? 'delivered' : 'put-back' });
      tell(() => `recorded ${deliveryId} ${outcome.kind}${'reason' in outcome ? `: ${outcome.reason}` : ''}`);
      return;
    }
    case 'escalations.hold':
      for (const { dedupeKey, dueAtMs, alarmId } of given[0] as readonly HeldTelling[]) {
        tell(() => `held     ${dedupeKey} until ${(dueAtMs - START_MS) / 1_000}`);
        const alarm = alarms.alarms.get(alarmId);
        if (alarm?.priority === 'high' && alarm.revision === 1)
          broken.push(`high alarm ${short(alarmId)} was held back`);
      }
      return;
    case 'escalations.told': {
      const { alarmId, step } = given[0] as ToldStep & RoundKey;
      const isTaken = alarms.alarms.get(alarmId)?.acknowledgedAtMs !== undefined;
      if ((answer as EscalationRound).end === undefined && isTaken)
        broken.push(`alarm ${short(alarmId)} was acknowledged, and its escalation went on to ${step}`);
    }
  }
}

/** These ask people to come. */
const CALLS: ReadonlySet<string> = new Set(['raised', 'worsened', 'returned', 'ended', 'escalated', 'reminder']);

function isAway({ outages }: Plan, node: NodeName, atMs: number): boolean {
  return outages.some((each) => atMs >= each.fromMs && atMs < each.toMs && (each.node ?? node) === node);
}
