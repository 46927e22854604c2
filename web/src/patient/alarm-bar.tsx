import { Button } from '@mantine/core';
import { ALARM_MARK, alarmText, isCalling, isUnacknowledged, lookOf } from '../live/alarm-rank.ts';
import { durationText } from '../live/freshness.ts';
import { useSeconds, useServices, useShape } from '../services.ts';
import { useSession } from '../session/session.tsx';
import { acknowledge } from '../widgets/acknowledge.ts';

/** What calls for this patient, most urgent first, and taking it. */
export function AlarmBar({ patientId }: { readonly patientId: string }) {
  const { store } = useServices();
  const { may } = useSession();
  useShape();
  useSeconds();
  const alarms = store.alarmsOf(patientId);
  const now = store.clock.now();
  const first = alarms.find(isUnacknowledged);
  return (
    <div className="alarm-bars">
      {alarms.map((alert) => (
        <div
          key={alert.id}
          className="alarm-bar"
          data-look={lookOf(alert)}
          data-call={isCalling(alert) ? 'calling' : isUnacknowledged(alert) ? 'latched' : 'taken'}
        >
          <strong>
            <span aria-hidden="true">{ALARM_MARK[lookOf(alert)].symbol}</span> {alarmText(alert)}
          </strong>
          <span>since {durationText(now - Date.parse(alert.raisedAt))}</span>
          {alert.endedAt !== undefined && <span>ended {durationText(now - Date.parse(alert.endedAt))} ago</span>}
          {alert.acknowledgedBy !== undefined && <span>✓ {alert.acknowledgedBy}</span>}
          {isUnacknowledged(alert) && may('alarm.acknowledge') && (
            <Button className="alarm-take" color="dark" onClick={() => void acknowledge(store, alert.id)}>
              Acknowledge{alert === first && <kbd className="alarm-key">A</kbd>}
            </Button>
          )}
        </div>
      ))}
    </div>
  );
}

/** `A` on this page: the most urgent that nobody has taken. */
export function useTakeTop(patientId: string): () => void {
  const { store } = useServices();
  const { may } = useSession();
  return () => {
    const first = store.alarmsOf(patientId).find(isUnacknowledged);
    if (first !== undefined && may('alarm.acknowledge')) void acknowledge(store, first.id);
  };
}
