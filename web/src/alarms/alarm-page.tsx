import type { AlertDetail } from '@healthsync/contracts/alert';
import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { api } from '../api.ts';
import { alarmText, callOf } from '../live/alarm-rank.ts';
import { nameOf, ruleIdText, span } from '../rules/rule-words.ts';
import { useSeconds, useServices, useShape } from '../services.ts';
import { useSession } from '../session/session.tsx';
import { timeText } from '../times/time-text.ts';
import { When } from '../times/when.tsx';
import { Awaited } from '../widgets/awaited.tsx';
import { isolated } from '../widgets/own-direction.ts';
import { stateText } from '../worklist/work-row.tsx';
import { againText } from './again-text.ts';
import { AlarmBadge } from './alarm-badge.tsx';
import { AlarmButtons, useAlarmKeys } from './alarm-buttons.tsx';
import { AlarmHistory } from './alarm-history.tsx';
import { useEscalation } from './escalation.ts';
import { StepList } from './step-list.tsx';
import { useWhere } from './where.ts';

/** One alarm from its first reading to its end: why it rang, whom it told, who did what. */
export function AlarmPage() {
  const { alarmId } = useParams({ from: '/inside/alarms/$alarmId' });
  const shape = useShape();
  const query = useQuery({
    queryKey: ['alert', alarmId, shape],
    queryFn: () => api<AlertDetail>(`/api/alerts/${encodeURIComponent(alarmId)}`),
    placeholderData: (before) => before,
    refetchInterval: 15_000,
    gcTime: 0,
  });
  return (
    <main className="page alarm-page">
      <Awaited query={query} rows={8}>
        {(detail) => <Alarm detail={detail} />}
      </Awaited>
    </main>
  );
}

function Alarm({ detail }: { readonly detail: AlertDetail }) {
  const { store } = useServices();
  const { may } = useSession();
  useSeconds();
  // The stream is ahead of what was asked for.
  const alert = store.alarmsOf(detail.alert.patientId).find(({ id }) => id === detail.alert.id) ?? detail.alert;
  useAlarmKeys(() => alert);
  const escalation = useEscalation(alert);
  const where = useWhere(alert).text;
  const again = againText(alert);
  const now = store.clock.now();
  return (
    <>
      <div className="row page-head">
        <h1>
          {may('patient.read') ? (
            <Link to="/patients/$patientId" params={{ patientId: alert.patientId }}>
              {where}
            </Link>
          ) : (
            where
          )}{' '}
          · {alarmText(alert)}
        </h1>
        <AlarmBadge alert={alert} />
      </div>
      <div
        className="alarm-bar"
        data-look={alert.kind === 'technical' ? 'technical' : alert.priority}
        data-call={alert.state === 'resolved' ? 'taken' : callOf(alert)}
      >
        <strong>{alert.state === 'resolved' ? 'Over' : CALL_WORDS[callOf(alert)]}</strong>
        <span>{alert.owner ?? alert.acknowledgedBy ?? 'Nobody has it'}</span>
        {again !== '' && <strong>↻ {again}</strong>}
        <span>{stateText(alert, now)}</span>
        <AlarmButtons alert={alert} withKeys />
      </div>
      <div className="alarm-columns">
        <section className="panel" aria-label="Escalation">
          <h2>Who was told</h2>
          <Awaited query={escalation} rows={3}>
            {(data) =>
              data.rounds.length === 0 ? (
                <p className="soft">Alarms like this one are not escalated.</p>
              ) : (
                data.rounds.toReversed().map((round) => (
                  <div key={round.round} className="round">
                    <p className="soft">
                      {data.rounds.length > 1 && `Time ${round.round}: `}
                      {START_WORDS[round.startedBy]}, <When at={round.startedAt} as="second" />
                      {round.end !== undefined &&
                        ` · ended: ${END_WORDS[round.end]}${round.endedBy === undefined ? '' : ` (${isolated(round.endedBy)})`}`}
                      {may('operations.read') && (
                        <>
                          {' · '}
                          <Link to="/executions/$executionId" params={{ executionId: round.execution }}>
                            its run
                          </Link>
                        </>
                      )}
                    </p>
                    <StepList steps={round.steps} />
                  </div>
                ))
              )
            }
          </Awaited>
        </section>
        <div className="columns-right">
          <section className="panel" aria-label="What happened">
            <h2>What happened</h2>
            <AlarmHistory detail={detail} />
          </section>
          <section className="panel" aria-label="Why it rang">
            <h2>Why it rang</h2>
            <dl className="facts">
              <Fact term="First" text={`${alert.cause.text}, ${timeText(alert.raisedAt, 'second')}`} />
              <Fact term="Worst" text={alert.worst.text} />
              <Fact term="Rule" text={ruleIdText(alert.rule)} />
              <Reasons cause={alert.cause} />
              {alert.rangIn !== undefined && <Fact term="Rang in" text={alert.rangIn.bed ?? 'no bed'} />}
            </dl>
            <Record alert={alert} />
          </section>
        </div>
      </div>
    </>
  );
}

/** Which readings and how long, as the decision kept them. */
function Reasons({ cause: { reasons } }: { readonly cause: AlertDetail['alert']['cause'] }) {
  if (reasons === undefined) return null;
  const { scope, readings, sustained, repeated, untilMs } = reasons;
  return (
    <>
      <Fact
        term="Set by"
        text={`${SCOPE_WORDS[scope]}${untilMs === undefined ? '' : `, until ${timeText(untilMs, 'second')}`}`}
      />
      {sustained !== undefined && (
        <Fact term="Sustained" text={`${sustained.readings} readings over ${span(sustained.spanMs)}`} />
      )}
      {repeated !== undefined && (
        <Fact
          term="Repeated"
          text={`${ruleIdText(repeated.rule)}: ${repeated.times} times in ${span(repeated.windowMs)}`}
        />
      )}
      <div>
        <dt>Values</dt>
        <dd>
          <ul className="reading-list">
            {readings.map(({ readingId, atMs, vital, value }) => (
              <li key={`${readingId} ${vital}`}>
                {vital !== undefined && `${nameOf(vital)} ${value ?? ''}, `}
                <When at={atMs} as="second" />
              </li>
            ))}
          </ul>
        </dd>
      </div>
    </>
  );
}

/** By which names others find the same again: in the audit, the devices, the history of the rules. */
function Record({ alert }: { readonly alert: AlertDetail['alert'] }) {
  const readings = [...new Set([alert.readingId, alert.lastReadingId])];
  return (
    <details>
      <summary>For the record</summary>
      <dl className="facts">
        <Fact term="Alarm" text={alert.id} />
        <Fact term="Rule" text={`${alert.rule}, version ${alert.ruleVersion}`} />
        <Fact term="Device" text={alert.deviceId} />
        <Fact term={readings.length > 1 ? 'First and latest reading' : 'Reading'} text={readings.join(', ')} />
      </dl>
    </details>
  );
}

const SCOPE_WORDS = {
  default: 'as installed',
  house: 'the house’s rules',
  ward: 'the ward’s rules',
  patient: 'this patient’s limits',
} as const;

function Fact({ term, text }: { readonly term: string; readonly text: string }) {
  return (
    <div>
      <dt>{term}</dt>
      <dd>{text}</dd>
    </div>
  );
}

const CALL_WORDS = {
  calling: 'Calling',
  snoozed: 'Snoozed',
  latched: 'Ended, nobody has seen it',
  taken: 'Acknowledged',
} as const;

const START_WORDS = {
  raised: 'it rang',
  returned: 'it came back',
  'acknowledgement-expired': 'the acknowledgement ran out',
  'priority-raised': 'it became more urgent',
  'snooze-ended': 'the snooze was over',
  person: 'a person escalated it',
  released: 'it was given back',
} as const;

const END_WORDS = {
  acknowledged: 'acknowledged',
  recovered: 'the value recovered',
  over: 'the alarm is over',
  superseded: 'called again as more urgent',
  exhausted: 'everyone has been told',
  snoozed: 'snoozed',
  failed: 'it failed',
} as const;
