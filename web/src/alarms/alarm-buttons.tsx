import type { Alert } from '@healthsync/contracts/alert';
import { isUnacknowledged } from '../live/alarm-rank.ts';
import { useServices } from '../services.ts';
import { useSession } from '../session/session.tsx';
import { type Shortcuts, useShortcuts } from '../widgets/shortcuts.ts';
import { showToast } from '../widgets/toast.ts';
import { acknowledge, giveBack, takeOver, wake } from './alarm-actions.ts';
import { openAlarmDialog } from './alarm-dialogs.tsx';
import { escalateRefusal, snoozeRefusal } from './alarm-refusals.ts';
import { useDoing } from './doing.ts';
import { isMine } from './ownership.ts';
import { useSnoozeChoices } from './snooze-choices.ts';

/** What can be done with an alarm, side by side. */
export function AlarmButtons({ alert, withKeys }: { readonly alert: Alert; readonly withKeys: boolean }) {
  const { store } = useServices();
  const { may, me } = useSession();
  const doing = useDoing(alert.id);
  const choices = useSnoozeChoices(may('alarm.acknowledge')).data?.snoozeMinutes;
  if (!may('alarm.acknowledge')) return null;
  const isOpen = alert.state === 'active';
  const isTaken = !isUnacknowledged(alert);
  const key = (name: string) => (withKeys ? <kbd>{name}</kbd> : null);
  return (
    <span className="alarm-buttons">
      {doing !== undefined && <span role="status">{doing}…</span>}
      {isOpen && !isTaken && (
        <button
          type="button"
          className="act act-main"
          disabled={doing !== undefined}
          onClick={() => void acknowledge(store, alert.id)}
        >
          Acknowledge {key('A')}
        </button>
      )}
      {isOpen && isTaken && !isMine(alert, me) && (
        <button type="button" className="act" onClick={() => void takeOver(store, alert)}>
          Take over
        </button>
      )}
      {isOpen && isTaken && isMine(alert, me) && (
        <button type="button" className="act" onClick={() => void giveBack(store, alert.id)}>
          Give back
        </button>
      )}
      {snoozeRefusal(alert, choices) === undefined && (
        <button type="button" className="act" onClick={() => openAlarmDialog('snooze', alert)}>
          Snooze {key('Z')}
        </button>
      )}
      {isOpen && alert.snooze !== undefined && (
        <button type="button" className="act" onClick={() => void wake(store, alert.id)}>
          End snooze
        </button>
      )}
      {may('alarm.escalate') && escalateRefusal(alert) === undefined && (
        <button type="button" className="act" onClick={() => openAlarmDialog('escalate', alert)}>
          Escalate {key('E')}
        </button>
      )}
      <button type="button" className="act" onClick={() => openAlarmDialog('note', alert)}>
        {alert.notes > 0 ? `Note (${alert.notes})` : 'Note'} {key('M')}
      </button>
    </span>
  );
}

/** `A Z E M` for the alarm this page is about, if there is one. */
export function useAlarmKeys(alarm: () => Alert | undefined): void {
  useShortcuts(useAlarmShortcuts(alarm));
}

/** A key whose wish cannot be done says why: a tired hand must not wonder whether it was heard. */
export function useAlarmShortcuts(alarm: () => Alert | undefined): Shortcuts {
  const { store } = useServices();
  const { may } = useSession();
  const choices = useSnoozeChoices(may('alarm.acknowledge')).data?.snoozeMinutes;
  const onIt = (action: (alert: Alert) => void) => (event: KeyboardEvent) => {
    const alert = alarm();
    // A key held down is one wish, not many.
    if (alert === undefined || event.repeat || !may('alarm.acknowledge')) return false;
    action(alert);
    return true;
  };
  const unless = (refusal: string | undefined, then: () => void) =>
    refusal === undefined ? then() : showToast(refusal);
  return {
    a: onIt((alert) => void (isUnacknowledged(alert) && acknowledge(store, alert.id))),
    z: onIt((alert) => unless(snoozeRefusal(alert, choices), () => openAlarmDialog('snooze', alert))),
    e: onIt((alert) => {
      if (may('alarm.escalate')) unless(escalateRefusal(alert), () => openAlarmDialog('escalate', alert));
    }),
    m: onIt((alert) => openAlarmDialog('note', alert)),
  };
}
