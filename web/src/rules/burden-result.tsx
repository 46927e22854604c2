import type { AlarmBurden, AlarmBurdenComparison, SustainedEvents } from '@healthsync/contracts/alarm-burden';
import { When } from '../times/when.tsx';
import { BurdenTimeline } from './burden-timeline.tsx';
import { nameOf, ruleIdText, span } from './rule-words.ts';

/** Before beside after; what would newly be missed stands first, because it is what a change must not do. */
export function BurdenResult({ comparison }: { readonly comparison: AlarmBurdenComparison }) {
  const { basis, before, after, sustained, warnings, how, timeline } = comparison;
  return (
    <div className="burden-result">
      <Verdict sustained={sustained} />
      <div className="burden-columns">
        <table className="table burden-table">
          <thead>
            <tr>
              <th scope="col" />
              <th scope="col">Before</th>
              <th scope="col">After</th>
              <th scope="col">Change</th>
            </tr>
          </thead>
          <tbody>
            <Row
              words="Alarms per patient-day"
              before={before.alarmsPerPatientDay.all}
              after={after.alarmsPerPatientDay.all}
              isMain
            />
            {(['high', 'medium', 'low'] as const).map((priority) => (
              <Row
                key={priority}
                words={priority}
                before={before.alarmsPerPatientDay[priority]}
                after={after.alarmsPerPatientDay[priority]}
              />
            ))}
            <Row
              words="Minutes in alarm per patient-day"
              before={before.minutesInAlarmPerPatientDay}
              after={after.minutesInAlarmPerPatientDay}
            />
            <Row
              words="Technical per patient-day"
              before={before.technical.perPatientDay}
              after={after.technical.perPatientDay}
            />
            <tr>
              <th scope="row">Sustained events missed, of {sustained.events}</th>
              <td>{sustained.before.missed}</td>
              <td>{sustained.after.missed}</td>
              <td>{sustained.newlyMissed > 0 ? `+${sustained.newlyMissed} newly` : ''}</td>
            </tr>
            <tr>
              <th scope="row">Told after (median, longest)</th>
              <td>{delayText(sustained.before.delayMs)}</td>
              <td>{delayText(sustained.after.delayMs)}</td>
              <td>{sustained.delayed > 0 ? `${sustained.delayed} later` : ''}</td>
            </tr>
          </tbody>
        </table>
        <div>
          {timeline.length > 1 && <BurdenTimeline timeline={timeline} />}
          <p className="soft">
            {NUMBER.format(basis.patients)} patients, {NUMBER.format(basis.patientDays)} patient-days measured,{' '}
            {NUMBER.format(basis.readings)} readings, tried in {span(Math.round(basis.tookMs / 100) * 100)}.
          </p>
        </div>
      </div>
      {warnings.map(({ code, detail }) => (
        <p key={code} className="chip-warn">
          ⚠ {detail}
        </p>
      ))}
      <details>
        <summary>By rule, the worst of it, and how it was counted</summary>
        <ByRule before={before} after={after} />
        <Worst worst={sustained.worst} />
        <ul className="soft">
          {how.map((sentence) => (
            <li key={sentence}>{sentence}</li>
          ))}
        </ul>
      </details>
    </div>
  );
}

const NUMBER = new Intl.NumberFormat('en-GB', { maximumFractionDigits: 1 });

function Verdict({ sustained }: { readonly sustained: SustainedEvents }) {
  const { newlyMissed, delayed, delayedByMs, lessUrgent, newlyCaught, events } = sustained;
  const bad = [
    newlyMissed > 0 && `${newlyMissed} sustained ${newlyMissed === 1 ? 'event' : 'events'} would no longer ring`,
    delayed > 0 &&
      `${delayed} would ring later${delayedByMs === undefined ? '' : `, by up to ${span(delayedByMs.max)}`}`,
    lessUrgent > 0 && `${lessUrgent} would be less urgent`,
  ].filter((part) => part !== false);
  if (bad.length > 0)
    return (
      <p className="burden-bad" role="alert">
        <strong>⚠ {bad.join('; ')}.</strong>
      </p>
    );
  return (
    <p className="fine">
      ✓ None of {events} sustained events would be missed or told later
      {newlyCaught > 0 && `; ${newlyCaught} more would be caught`}.
    </p>
  );
}

function Row({
  words,
  before,
  after,
  isMain = false,
}: {
  readonly words: string;
  readonly before: number;
  readonly after: number;
  readonly isMain?: boolean;
}) {
  return (
    <tr data-main={isMain || undefined}>
      <th scope="row">{words}</th>
      <td>{NUMBER.format(before)}</td>
      <td>{NUMBER.format(after)}</td>
      <td>{changeText(before, after)}</td>
    </tr>
  );
}

/** `−43 %`; from nothing there is no share. */
export function changeText(before: number, after: number): string {
  if (before === after) return 'the same';
  if (before === 0) return 'new';
  const share = Math.round((100 * (after - before)) / before);
  return share === 0 ? 'nearly the same' : `${share > 0 ? '+' : '−'}${Math.abs(share)} %`;
}

const delayText = (delay: SustainedEvents['before']['delayMs']): string =>
  delay === undefined ? '–' : `${span(delay.p50)}, ${span(delay.max)}`;

function ByRule({ before, after }: { readonly before: AlarmBurden; readonly after: AlarmBurden }) {
  const ids = [...new Set([...before.byRule, ...after.byRule].map(({ ruleId }) => ruleId))];
  const of = (burden: AlarmBurden, id: string) => burden.byRule.find(({ ruleId }) => ruleId === id)?.perPatientDay ?? 0;
  return (
    <table className="table burden-table">
      <thead>
        <tr>
          <th scope="col">Rule, per patient-day</th>
          <th scope="col">Before</th>
          <th scope="col">After</th>
          <th scope="col">Change</th>
        </tr>
      </thead>
      <tbody>
        {ids.map((id) => (
          <Row key={id} words={ruleIdText(id)} before={of(before, id)} after={of(after, id)} />
        ))}
      </tbody>
    </table>
  );
}

function Worst({ worst }: { readonly worst: SustainedEvents['worst'] }) {
  if (worst.length === 0) return null;
  return (
    <ul className="burden-worst" aria-label="Events that would be told later or not at all">
      {worst.map(({ patientId, bedId, vital, comparison, limit, at, lastedMs, delayBeforeMs, delayAfterMs }) => (
        <li key={`${patientId} ${vital} ${comparison} ${limit} ${at}`}>
          {bedId ?? patientId}, {nameOf(vital)} {comparison === 'above' ? '>' : '<'} {limit} for {span(lastedMs)},{' '}
          <When at={at} />: {toldText(delayBeforeMs)} → <strong>{toldText(delayAfterMs)}</strong>
        </li>
      ))}
    </ul>
  );
}

const toldText = (delayMs: number | undefined): string => (delayMs === undefined ? 'missed' : `after ${span(delayMs)}`);
