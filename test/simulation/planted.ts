import type { AlarmChange, ConditionTransition } from '../../server/src/domain/alarm.ts';
import type { Delivery, DeliveryOrder } from '../../server/src/ports/outbox.ts';
import type { Advance, WorkflowStore } from '../../server/src/ports/workflow-store.ts';
import type { Planted, World } from './world.ts';

export const PLANTED: readonly Planted[] = [
  {
    name: 'a commit of alarms is skipped: it is said to be stored, and is not',
    around: ({ what, given, execute }) =>
      what === 'alarms.apply' && (given[0] as readonly ConditionTransition[]).some(({ kind }) => kind === 'ended')
        ? Promise.resolve([])
        : execute(),
  },
  {
    name: 'a checkpoint is saved before the alarms it knows of',
    around: ({ what, given, execute, world }) => {
      if (what !== 'alarms.apply') return execute();
      // The checkpoint is written by every save; the alarms only if nothing goes wrong in the next moment.
      return new Promise((resolve, reject) => {
        const life = world.time.current;
        world.time.after(0, undefined, () => resolve([]));
        world.time.after(3_000, undefined, () => {
          if (life?.isOver !== true) execute().catch(reject);
        });
        void given;
      });
    },
  },
  {
    name: 'a timer is dropped: an execution that waits is never woken',
    around: ({ what, given, execute, world }) => {
      const asleep = (advances: readonly Advance[]): readonly Advance[] =>
        advances.map((advance) => {
          const { wakeAtMs, ...without } = advance;
          return advance.leasedUntilMs === undefined ? without : advance;
        });
      if (what === 'workflow.record') {
        const [worker, advances] = given as Parameters<WorkflowStore['record']>;
        return world.workflow.record(worker, asleep(advances));
      }
      if (what !== 'workflow.advanceDue') return execute();
      const [request] = given as Parameters<WorkflowStore['advanceDue']>;
      return world.workflow.advanceDue({ ...request, decide: (due) => asleep(request.decide(due)) });
    },
  },
  {
    name: 'the alarm clock is never due: acknowledgements and snoozes hold for ever',
    around: ({ what, execute }) => (what === 'alarms.passTime' ? Promise.resolve([]) : execute()),
  },
  {
    name: 'what was delivered is not recorded: it is sent again when its lease ends',
    around: ({ what, execute }) => (what === 'outbox.record' ? Promise.resolve() : execute()),
  },
  {
    name: 'a lease is forgotten: two tellers take the same delivery',
    around: ({ what, given, execute, world }) =>
      what === 'outbox.take'
        ? world.outbox.take({ ...(given[0] as Parameters<World['outbox']['take']>[0]), leaseUntilMs: 0 })
        : execute(),
  },
  {
    name: 'an order has another key each time it is given',
    around: ({ what, given, execute, world }) =>
      what === 'outbox.enqueue'
        ? world.outbox.enqueue(
            (given[0] as readonly DeliveryOrder[]).map((order) => ({
              ...order,
              dedupeKey: `${order.dedupeKey}#${world.time.events}`,
            })),
            given[1] as number,
          )
        : execute(),
  },
  {
    name: 'changes are fanned out once for each process that asks',
    around: ({ what, given, execute, world }) => {
      if (what !== 'outbox.fanOut') return execute();
      const [plan, nowMs] = given as Parameters<World['outbox']['fanOut']>;
      return world.outbox.fanOut(async (changes) => {
        const plans = await plan(changes);
        return plans.map((each) => ({ ...each, recipients: [...each.recipients, ...each.recipients.map(shadow)] }));
      }, nowMs);
    },
  },
  {
    name: 'a latch is lost: what has ended is over although nobody saw it',
    around: async ({ what, execute, world }) => {
      const answer = await execute();
      if (what !== 'alarms.apply') return answer;
      for (const { alarm, kind } of answer as readonly AlarmChange[])
        if (kind === 'ended') world.alarms.alarms.set(alarm.id, { ...alarm, state: 'resolved' });
      return answer;
    },
  },
  {
    name: 'two have one alarm: the second who acknowledges is not told of the first',
    around: async ({ what, given, execute, world }) => {
      const request = given[0] as { id: never; act: { kind: string } };
      const alarm = what === 'alarms.act' ? world.alarms.alarms.get(request.id) : undefined;
      if (alarm?.acknowledgedAtMs === undefined || request.act.kind !== 'acknowledge') return execute();
      const { acknowledgedAtMs, acknowledgedBy, ...untaken } = alarm;
      world.alarms.alarms.set(alarm.id, untaken);
      return execute();
    },
  },
  {
    name: 'an acknowledgement does not reach the escalation',
    followed: (changes) => changes.filter(({ kind }) => kind !== 'acknowledged'),
  },
  {
    name: 'an alarm is raised without its escalation',
    followed: (changes) => changes.filter(({ kind }) => kind !== 'raised'),
  },
  {
    name: 'a late reading is judged as if it were new',
    heard: (reading) =>
      reading.receivedAtMs - reading.atMs > 3_000 ? { ...reading, atMs: reading.receivedAtMs } : reading,
  },
  {
    name: 'a reading is lost on its way from the log to judging',
    heard: (reading) => (reading.id.endsWith('7') ? { ...reading, vitals: {} } : reading),
  },
  {
    name: 'somebody of the other ward is told',
    around: ({ what, given, execute, world }) =>
      what === 'outbox.enqueue'
        ? world.outbox.enqueue(
            (given[0] as readonly DeliveryOrder[]).map((order) => ({
              ...order,
              recipient: order.recipient.replace(/^nia@/, 'noa@'),
            })),
            given[1] as number,
          )
        : execute(),
  },
  {
    name: 'an order is said to be written, and is not',
    around: ({ what, execute }) => (what === 'outbox.enqueue' ? Promise.resolve(1) : execute()),
  },
  {
    name: 'an answer to a waiting task is forgotten when the alarm is closed',
    followed: (changes) => changes.filter(({ kind }) => kind !== 'resolved'),
  },
  {
    name: 'a page is sent although somebody has the alarm',
    around: async ({ what, execute }) => {
      const answer = await execute();
      if (what !== 'outbox.take') return answer;
      return (answer as readonly Delivery[]).map((delivery) => {
        if (delivery.about.kind !== 'alarm') return delivery;
        const { acknowledgedAtMs, ...alarm } = delivery.about.alarm;
        return { ...delivery, about: { ...delivery.about, alarm: { ...alarm, state: 'active' } } };
      });
    },
  },
];

const shadow = <T extends { readonly recipient: string }>(to: T): T => ({ ...to, recipient: `${to.recipient} ` });
