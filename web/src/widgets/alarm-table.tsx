import type { Alert } from '@healthsync/contracts/alert';
import { Button } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { ALARM_MARK, alarmText, isUnacknowledged, lookOf } from '../live/alarm-rank.ts';
import { durationText } from '../live/freshness.ts';
import { useServices } from '../services.ts';
import { useSession } from '../session/session.tsx';
import { acknowledge } from './acknowledge.ts';

const TIME = new Intl.DateTimeFormat('en-GB', {
  day: '2-digit',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
});

/** Alarms as rows: what, where, since when, who has it. */
export function AlarmTable({ alarms, showBed }: { readonly alarms: readonly Alert[]; readonly showBed: boolean }) {
  const { store } = useServices();
  const { may } = useSession();
  return (
    <div className="table-box">
      <table className="table">
        <thead>
          <tr>
            <th scope="col">Priority</th>
            {showBed && <th scope="col">Bed</th>}
            <th scope="col">Alarm</th>
            <th scope="col">Raised</th>
            <th scope="col">Lasted</th>
            <th scope="col">Acknowledged</th>
          </tr>
        </thead>
        <tbody>
          {alarms.map((alert) => (
            <tr key={alert.id}>
              <td>
                <Badge alert={alert} />
              </td>
              {showBed && (
                <td className="nowrap">
                  <Link to="/patients/$patientId" params={{ patientId: alert.patientId }}>
                    {alert.bed ?? 'No bed'}
                  </Link>
                </td>
              )}
              <td className="nowrap">{alarmText(alert)}</td>
              <td className="nowrap">{TIME.format(Date.parse(alert.raisedAt))}</td>
              <td className="nowrap">
                {alert.endedAt === undefined
                  ? 'still present'
                  : durationText(Date.parse(alert.endedAt) - Date.parse(alert.raisedAt))}
              </td>
              <td>
                {alert.acknowledgedAt !== undefined ? (
                  `${alert.acknowledgedBy ?? ''}, ${TIME.format(Date.parse(alert.acknowledgedAt))}`
                ) : isUnacknowledged(alert) && may('alarm.acknowledge') ? (
                  <Button size="compact-sm" onClick={() => void acknowledge(store, alert.id)}>
                    Acknowledge
                  </Button>
                ) : (
                  '–'
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Badge({ alert }: { readonly alert: Alert }) {
  const look = lookOf(alert);
  return (
    <span className="badge" data-look={look}>
      <span aria-hidden="true">{ALARM_MARK[look].symbol}</span> {look}
    </span>
  );
}
