import type { Alert } from '@healthsync/contracts/alert';
import { Link } from '@tanstack/react-router';
import { againText } from '../alarms/again-text.ts';
import { AlarmButtons } from '../alarms/alarm-buttons.tsx';
import { EscalationLadder } from '../alarms/escalation-ladder.tsx';
import { ALARM_MARK, alarmText, callOf, isUnacknowledged, lookOf } from '../live/alarm-rank.ts';
import { durationText } from '../live/freshness.ts';
import type { LiveStore } from '../live/live-store.ts';
import { useSeconds, useServices, useShape } from '../services.ts';
import { stateText } from '../worklist/work-row.tsx';

/** What calls for this patient, most urgent first, who has been told of it, and what can be done. */
export function AlarmBar({ patientId }: { readonly patientId: string }) {
  const { store } = useServices();
  useShape();
  useSeconds();
  const alarms = store.alarmsOf(patientId);
  const now = store.clock.now();
  const first = topAlarm(store, patientId);
  return (
    <div className="alarm-bars">
      {alarms.map((alert) => {
        const owner = alert.owner ?? alert.acknowledgedBy;
        return (
          <div key={alert.id} className="alarm-bar" data-look={lookOf(alert)} data-call={callOf(alert)}>
            <strong>
              <span aria-hidden="true">{ALARM_MARK[lookOf(alert)].symbol}</span>{' '}
              <Link to="/alarms/$alarmId" params={{ alarmId: alert.id }}>
                {alarmText(alert)}
              </Link>
            </strong>
            <span>for {durationText(now - Date.parse(alert.raisedAt))}</span>
            {owner !== undefined && alert.acknowledgedAt !== undefined && <span>✓ {owner}</span>}
            {againText(alert) !== '' && <strong>↻ {againText(alert)}</strong>}
            <span>{stateText(alert, now)}</span>
            <AlarmButtons alert={alert} withKeys={alert === first} />
            <div className="alarm-ladder">
              <EscalationLadder alert={alert} />
            </div>
          </div>
        );
      })}
    </div>
  );
}

/** What the keys of the page act on: the most urgent that nobody has taken, else the most urgent. */
export function topAlarm(store: LiveStore, patientId: string): Alert | undefined {
  const alarms = store.alarmsOf(patientId);
  return alarms.find(isUnacknowledged) ?? alarms[0];
}
