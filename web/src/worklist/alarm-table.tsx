import type { Alert } from '@healthsync/contracts/alert';
import { Link } from '@tanstack/react-router';
import { AlarmBadge } from '../alarms/alarm-badge.tsx';
import { useWhere } from '../alarms/where.ts';
import { alarmText } from '../live/alarm-rank.ts';
import { durationText } from '../live/freshness.ts';
import { timeText } from '../times/time-text.ts';
import { When } from '../times/when.tsx';
import { isolated } from '../widgets/own-direction.ts';

/** Alarms as rows to be read: what, where, since when, how long, who had it. */
export function AlarmTable({ alarms, showBed }: { readonly alarms: readonly Alert[]; readonly showBed: boolean }) {
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
            <th scope="col">Owner</th>
            <th scope="col">Notes</th>
          </tr>
        </thead>
        <tbody>
          {alarms.map((alert) => (
            <tr key={alert.id}>
              <td>
                <AlarmBadge alert={alert} />
              </td>
              {showBed && (
                <td className="nowrap">
                  <Link to="/patients/$patientId" params={{ patientId: alert.patientId }}>
                    <Where alert={alert} />
                  </Link>
                </td>
              )}
              <td className="nowrap">
                <Link to="/alarms/$alarmId" params={{ alarmId: alert.id }}>
                  {alarmText(alert)}
                </Link>
              </td>
              <td className="nowrap">
                <When at={alert.raisedAt} as="recent-second" />
              </td>
              <td className="nowrap">
                {alert.endedAt === undefined
                  ? 'still present'
                  : durationText(Date.parse(alert.endedAt) - Date.parse(alert.raisedAt))}
              </td>
              <td>{ownerText(alert)}</td>
              <td>{alert.notes > 0 ? alert.notes : ''}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const Where = ({ alert }: { readonly alert: Alert }) => useWhere(alert).text;

function ownerText(alert: Alert): string {
  if (alert.acknowledgedAt === undefined) return alert.resolvedBy === 'rule' ? 'closed by itself' : '–';
  return `${isolated(alert.owner ?? alert.acknowledgedBy ?? '')}, ${timeText(alert.acknowledgedAt, 'recent-second')}`;
}
