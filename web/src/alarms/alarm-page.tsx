import type { AlertDetail } from '@healthsync/contracts/alert';
import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { api } from '../api.ts';
import { alarmText, callOf } from '../live/alarm-rank.ts';
import { nameOf } from '../rules/rule-words.ts';
import { useSeconds, useServices, useShape } from '../services.ts';
import { useSession } from '../session/session.tsx';
import { Awaited, NotForYou } from '../widgets/awaited.tsx';
import { stateText } from '../worklist/work-row.tsx';
import { AlarmBadge } from './alarm-badge.tsx';
import { AlarmButtons, useAlarmKeys } from './alarm-buttons.tsx';
import { AlarmHistory } from './alarm-history.tsx';
import { useEscalation } from './escalation.ts';
import { StepList } from './step-list.tsx';

const TIME = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' });

/** One alarm from its first reading to its end: why it rang, whom it told, who did what. */
export function AlarmPage() {
  const { alarmId } = useParams({ from: '/inside/alarms/$alarmId' });
  const { may } = useSession();
  const shape = useShape();
  const query = useQuery({
    queryKey: ['alert', alarmId, shape],
    queryFn: () => api<AlertDetail>(`/api/alerts/${encodeURIComponent(alarmId)}`),
    placeholderData: (before) => before,
    refetchInterval: 15_000,
    gcTime: 0,
  });
  if (!may('vitals.read')) return <NotForYou needs="nurse, charge-nurse or physician" />;
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
  const now = store.clock.now();
  return (
    <>
      <div className="row page-head">
        <h1>
          {may('patient.read') ? (
            <Link to="/patients/$patientId" params={{ patientId: alert.patientId }}>
              {alert.bed ?? 'No bed'}
            </Link>
          ) : (
            (alert.bed ?? 'No bed')
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
                      Round {round.round}: {START_WORDS[round.startedBy]}, {TIME.format(Date.parse(round.startedAt))}
                      {round.end !== undefined &&
                        ` · ended: ${END_WORDS[round.end]}${round.endedBy === undefined ? '' : ` (${round.endedBy})`}`}
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
              <Fact term="First" text={`${alert.cause.text}, ${TIME.format(Date.parse(alert.raisedAt))}`} />
              <Fact term="Worst" text={alert.worst.text} />
              <Fact term="Rule" text={`${alert.rule}, version ${alert.ruleVersion}`} />
              <Fact term="Reading" text={`${alert.readingId} of device ${alert.deviceId}`} />
              {alert.lastReadingId !== alert.readingId && <Fact term="Latest reading" text={alert.lastReadingId} />}
              <Reasons cause={alert.cause} />
              {alert.rangIn !== undefined && <Fact term="Rang in" text={alert.rangIn.bed ?? 'no bed'} />}
            </dl>
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
      <Fact term="Set by" text={`${scope}${untilMs === undefined ? '' : `, until ${TIME.format(untilMs)}`}`} />
      {sustained !== undefined && (
        <Fact term="Sustained" text={`${sustained.readings} readings over ${sustained.spanMs / 1_000} s`} />
      )}
      {repeated !== undefined && (
        <Fact
          term="Repeated"
          text={`${repeated.rule} ${repeated.times} times within ${repeated.windowMs / 60_000} min`}
        />
      )}
      <div>
        <dt>Readings</dt>
        <dd>
          <ul className="reading-list">
            {readings.map(({ readingId, deviceId, atMs, vital, value }) => (
              <li key={`${readingId} ${vital}`}>
                {vital !== undefined && `${nameOf(vital)} ${value ?? ''}, `}
                {TIME.format(atMs)} <span className="soft">{`${readingId} of ${deviceId}`}</span>
              </li>
            ))}
          </ul>
        </dd>
      </div>
    </>
  );
}

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
  superseded: 'a new round took its place',
  exhausted: 'everyone has been told',
  snoozed: 'snoozed',
  failed: 'it failed',
} as const;
