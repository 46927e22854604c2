import type { AlarmAct } from '../../server/src/domain/alarm-act.ts';
import type { AlarmId, UserId } from '../../server/src/domain/ids.ts';
import { Failure } from '../../server/src/ports/failure.ts';
import type { Node } from './node.ts';
import { END_MS } from './plan.ts';
import { BOARD, SNOOZE_MS } from './ward.ts';
import { type Page, short, type World } from './world.ts';

/** The people of the wards: some answer what they are told, now and then two at once; in the end somebody goes round. */
export function people(world: World, nodes: () => readonly Node[]): { readonly onPage: (page: Page) => void } {
  const { time, plan, tell, acts } = world;
  const dice = plan.dice.own();

  function act(who: string, alarmId: AlarmId, what: AlarmAct, tries = 3): void {
    const node = dice.pick(nodes());
    const again = (): void => {
      if (tries > 1) time.after(2_000, undefined, () => act(who, alarmId, what, tries - 1));
    };
    const note = (outcome: string): void => {
      acts.push({ atMs: time.nowMs, who, alarmId, act: what.kind, outcome });
      tell(() => `person   ${who} ${what.kind} ${short(alarmId)}: ${outcome}`);
    };
    const isReached = node.reach((desk) => {
      desk.act({ id: alarmId, act: what, by: who, byId: who as UserId }).then(
        (outcome) => {
          note(outcome.kind === 'refused' ? outcome.reason : outcome.kind);
          if (outcome.kind === 'not-found') again();
        },
        (error: unknown) => {
          if (!(error instanceof Failure)) time.thrown.push(error);
          note('could not be stored');
          again();
        },
      );
    });
    if (!isReached) again();
  }

  function goRound(): void {
    for (const node of nodes())
      for (const alarm of node.desk()?.open() ?? [])
        if (alarm.acknowledgedAtMs === undefined) act('rounder', alarm.id, { kind: 'acknowledge' }, 1);
    if (world.sinceStart() < END_MS) time.after(5_000, undefined, goRound);
  }
  time.after(plan.roundMs, undefined, goRound);

  return {
    onPage({ recipient, alarmId }) {
      if (alarmId === undefined || recipient === BOARD || !dice.chance(plan.answers)) return;
      const who = recipient.split('@')[0] ?? recipient;
      const inMs = dice.between(1_000, 15_000);
      const first = dice.pick<AlarmAct>([ACKNOWLEDGE, ACKNOWLEDGE, ACKNOWLEDGE, SNOOZE, { kind: 'own' }]);
      time.after(inMs, undefined, () => act(who, alarmId, first));
      // A colleague who saw the wall reaches for it in the same moment.
      if (dice.chance(0.3))
        time.after(inMs + dice.between(0, 5), undefined, () => act('colleague', alarmId, ACKNOWLEDGE));
      if (dice.chance(0.2)) time.after(inMs + 15_000, undefined, () => act(who, alarmId, { kind: 'release' }));
    },
  };
}

const ACKNOWLEDGE: AlarmAct = { kind: 'acknowledge' };
const SNOOZE: AlarmAct = { kind: 'snooze', forMs: SNOOZE_MS };
