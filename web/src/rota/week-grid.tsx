import type { RotaSchedule, RotaSpan } from '@healthsync/contracts/rota';
import { dateText, type LocalDay } from '../times/zoned-time.ts';
import { isolated } from '../widgets/own-direction.ts';
import { dayTime } from './rota-page.tsx';

export interface Slot {
  readonly layer: string;
  readonly fromMs: number;
  readonly toMs: number;
  /** An override that stands here already. */
  readonly id?: string;
}

/** Seven days across, a layer each row: who, from when to when; nobody is hatched and said. */
export function WeekGrid({
  schedule,
  week,
  nowMs,
  onPick,
}: {
  readonly schedule: RotaSchedule;
  readonly week: readonly LocalDay[];
  readonly nowMs: number;
  /** Opens a change for that time; absent where this person may change nothing. */
  readonly onPick: ((slot: Slot) => void) | undefined;
}) {
  const fromMs = week[0]?.fromMs ?? 0;
  const toMs = week.at(-1)?.toMs ?? 1;
  const across = (ms: number) => (100 * (Math.min(toMs, Math.max(fromMs, ms)) - fromMs)) / (toMs - fromMs);
  return (
    <div className="week">
      <div className="week-days" aria-hidden="true">
        {week.map(({ date, fromMs: from, toMs: to }) => (
          <span
            key={date}
            style={{ left: `${across(from)}%`, width: `${across(to) - across(from)}%` }}
            data-today={(nowMs >= from && nowMs < to) || undefined}
          >
            {dateText(date)}
          </span>
        ))}
      </div>
      {schedule.rota.layers.map(({ name }) => (
        <div key={name} className="week-layer">
          <h3>{name}</h3>
          <ul className="week-spans">
            {week.slice(1).map(({ date, fromMs: from }) => (
              <li key={date} className="week-line" style={{ left: `${across(from)}%` }} aria-hidden="true" />
            ))}
            {schedule.spans
              .filter((span) => span.layer === name && Date.parse(span.to) > fromMs && Date.parse(span.from) < toMs)
              .map((span) => (
                <Span key={span.from} span={span} zone={schedule.rota.zone} across={across} onPick={onPick} />
              ))}
            {nowMs > fromMs && nowMs < toMs && (
              <li className="week-now" style={{ left: `${across(nowMs)}%` }} aria-hidden="true" />
            )}
          </ul>
        </div>
      ))}
    </div>
  );
}

function Span({
  span,
  zone,
  across,
  onPick,
}: {
  readonly span: RotaSpan;
  readonly zone: string;
  readonly across: (ms: number) => number;
  readonly onPick: ((slot: Slot) => void) | undefined;
}) {
  const [from, to] = [Date.parse(span.from), Date.parse(span.to)];
  const who = span.by === 'nobody' ? 'NOBODY' : (span.name ?? span.userId ?? '');
  const when = `${dayTime(from, zone)} – ${dayTime(to, zone)}`;
  const words = (
    <>
      <strong>{isolated(who)}</strong> {span.by === 'override' && <span className="week-stands">stands in</span>}{' '}
      <span className="week-when">{when}</span>
    </>
  );
  const style = { left: `${across(from)}%`, width: `${across(to) - across(from)}%` };
  const slot: Slot = {
    layer: span.layer,
    fromMs: from,
    toMs: to,
    ...(span.overrideId !== undefined && { id: span.overrideId }),
  };
  return (
    <li className="week-span" data-by={span.by} style={style} title={`${isolated(who)}, ${when}`}>
      {onPick === undefined ? (
        <span className="week-bar">{words}</span>
      ) : (
        <button type="button" className="week-bar" onClick={() => onPick(slot)}>
          {words}
        </button>
      )}
    </li>
  );
}
