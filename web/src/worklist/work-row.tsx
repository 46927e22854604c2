import type { Alert } from '@healthsync/contracts/alert';
import { Link } from '@tanstack/react-router';
import { againText } from '../alarms/again-text.ts';
import { acknowledge, takeOver } from '../alarms/alarm-actions.ts';
import { AlarmBadge } from '../alarms/alarm-badge.tsx';
import { openAlarmDialog } from '../alarms/alarm-dialogs.tsx';
import { escalateRefusal, snoozeRefusal } from '../alarms/alarm-refusals.ts';
import { useDoing } from '../alarms/doing.ts';
import { EscalationLadder } from '../alarms/escalation-ladder.tsx';
import { isMine } from '../alarms/ownership.ts';
import { useSnoozeChoices } from '../alarms/snooze-choices.ts';
import { useWhere } from '../alarms/where.ts';
import { alarmText, callOf } from '../live/alarm-rank.ts';
import { ageText, durationText } from '../live/freshness.ts';
import { useSeconds, useServices } from '../services.ts';
import { useSession } from '../session/session.tsx';
import { isolated } from '../widgets/own-direction.ts';
import { mayBeBulk } from './work-order.ts';

/** One open alarm: what, where, since when, who has been told and who has it, and what can be done. */
export function WorkRow({
  alert,
  isCurrent,
  isMarked,
  onMark,
}: {
  readonly alert: Alert;
  readonly isCurrent: boolean;
  readonly isMarked: boolean;
  readonly onMark: (isMarked: boolean) => void;
}) {
  const { store } = useServices();
  const { may, me } = useSession();
  useSeconds();
  const doing = useDoing(alert.id);
  const call = callOf(alert);
  const { place: bed, who } = useWhere(alert);
  const now = store.clock.now();
  const mayAct = may('alarm.acknowledge');
  const choices = useSnoozeChoices(mayAct).data?.snoozeMinutes;
  const again = againText(alert);
  const owner = alert.owner ?? alert.acknowledgedBy;
  return (
    <li
      className="work-row"
      data-alarm={alert.id}
      data-look={alert.kind === 'technical' ? 'technical' : alert.priority}
      data-call={call}
      data-doing={doing}
    >
      <div className="work-mark">
        {mayAct && mayBeBulk(alert) && (
          <label className="check">
            <input type="checkbox" checked={isMarked} onChange={() => onMark(!isMarked)} />
            <span className="unseen">
              Mark {bed} {alarmText(alert)}
            </span>
          </label>
        )}
      </div>
      <AlarmBadge alert={alert} />
      <div className="work-where">
        {may('patient.read') ? (
          <Link to="/patients/$patientId" params={{ patientId: alert.patientId }} tabIndex={-1}>
            {bed}
          </Link>
        ) : (
          bed
        )}
      </div>
      <div className="work-what">
        <Link
          className="work-open"
          to="/alarms/$alarmId"
          params={{ alarmId: alert.id }}
          tabIndex={isCurrent ? 0 : -1}
          aria-label={`${bed}, ${alert.priority}, ${alarmText(alert)}`}
        >
          {alarmText(alert)}
        </Link>
        <span className="work-state">
          {who !== '' && <strong>{who}</strong>} {again !== '' && <strong className="work-again">↻ {again}</strong>}{' '}
          {stateText(alert, now)}
        </span>
      </div>
      <span className="work-age" title="Open for">
        {durationText(now - Date.parse(alert.raisedAt))}
      </span>
      <div className="work-ladder">
        <EscalationLadder alert={alert} />
      </div>
      <span className="work-owner">
        {doing !== undefined ? (
          `${doing}…`
        ) : owner === undefined ? (
          <span className="soft work-nobody">nobody</span>
        ) : (
          owner
        )}
      </span>
      <div className="work-actions">
        {mayAct && call !== 'taken' && (
          <button
            type="button"
            className="act act-main"
            tabIndex={isCurrent ? 0 : -1}
            disabled={doing !== undefined}
            onClick={() => void acknowledge(store, alert.id)}
          >
            Acknowledge
          </button>
        )}
        {mayAct && call === 'taken' && !isMine(alert, me) && (
          <button
            type="button"
            className="act"
            tabIndex={isCurrent ? 0 : -1}
            disabled={doing !== undefined}
            onClick={() => void takeOver(store, alert)}
          >
            Take over
          </button>
        )}
        {mayAct && snoozeRefusal(alert, choices) === undefined && (
          <Act label="Snooze" isCurrent={isCurrent} onClick={() => openAlarmDialog('snooze', alert)} />
        )}
        {may('alarm.escalate') && escalateRefusal(alert) === undefined && (
          <Act label="Escalate" isCurrent={isCurrent} onClick={() => openAlarmDialog('escalate', alert)} />
        )}
        {mayAct && (
          <Act
            label={alert.notes > 0 ? `Note (${alert.notes})` : 'Note'}
            isCurrent={isCurrent}
            onClick={() => openAlarmDialog('note', alert)}
          />
        )}
      </div>
    </li>
  );
}

function Act({
  label,
  isCurrent,
  onClick,
}: {
  readonly label: string;
  readonly isCurrent: boolean;
  readonly onClick: () => void;
}) {
  return (
    <button type="button" className="act" tabIndex={isCurrent ? 0 : -1} onClick={onClick}>
      {label}
    </button>
  );
}

/** What is not plain from priority and owner. */
export function stateText(alert: Alert, nowMs: number): string {
  const parts = [
    alert.condition === 'ended' ? `ended ${ageText(nowMs - Date.parse(alert.endedAt ?? alert.raisedAt))} ago` : '',
    alert.snooze !== undefined
      ? `snoozed by ${isolated(alert.snooze.by)}, calls again in ${durationText(Date.parse(alert.snooze.until) - nowMs)}`
      : '',
    alert.acknowledgedAt !== undefined && alert.acknowledgementExpiresAt !== undefined && alert.condition === 'present'
      ? `acknowledgement runs out in ${durationText(Date.parse(alert.acknowledgementExpiresAt) - nowMs)}`
      : '',
    alert.acknowledgedAt === undefined && alert.owner !== undefined
      ? `acknowledgement of ${isolated(alert.owner)} ran out`
      : '',
    alert.highestPriority !== alert.priority ? `was ${alert.highestPriority}` : '',
  ];
  return parts.filter((part) => part !== '').join(' · ');
}
