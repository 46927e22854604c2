import type { Alert } from '@healthsync/contracts/alert';
import type { LimitRule, TrendResponse } from '@healthsync/contracts/patient';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { api, problemText } from '../api.ts';
import { lookOf } from '../live/alarm-rank.ts';
import { onSecond, useServices } from '../services.ts';
import { isElsewhere, zoneName } from '../times/time-text.ts';
import { When } from '../times/when.tsx';
import type { LiveTail } from './live-tail.ts';
import { createTrendChart } from './trend-chart.ts';
import { type TrendColumns, trendColumns } from './trend-data.ts';

const HOUR = 3_600_000;
const RANGES = [
  ['1 h', HOUR],
  ['6 h', 6 * HOUR],
  ['24 h', 24 * HOUR],
  ['7 d', 7 * 24 * HOUR],
  ['30 d', 30 * 24 * HOUR],
] as const;

const CHARTS = [
  { title: 'HR /min', vitals: ['heartRate'], colour: '#3ddc61', decimals: 0, span: [50, 120] },
  { title: 'SpO₂ %', vitals: ['spo2'], colour: '#5bd3ff', decimals: 0, span: [84, 100] },
  { title: 'RR /min', vitals: ['respiratoryRate'], colour: '#f7e463', decimals: 0, span: [8, 28] },
  { title: 'BP mmHg', vitals: ['systolic', 'diastolic'], colour: '#ff9a90', decimals: 0, span: [60, 150] },
  { title: 'T °C', vitals: ['temperature'], colour: '#e6e6e6', decimals: 1, span: [36, 38] },
] as const;

/** About one bucket for each two pixels of a wide chart. */
const BUCKETS = 600;
/** History is read again now and then, so that late readings find their place; between, the live tail is added. */
const REFETCH_MS = 60_000;

export interface TrendsProps {
  readonly patientId: string;
  readonly limits: readonly LimitRule[];
  readonly alarms: readonly Alert[];
  readonly tail: LiveTail;
}

/** The patient's past, all charts over the same time and under one cursor. */
export function Trends(props: TrendsProps) {
  const { store } = useServices();
  const [rangeMs, setRange] = useState<number>(HOUR);
  const query = useQuery({
    queryKey: ['trend', props.patientId, rangeMs],
    queryFn: () => {
      const to = Math.ceil(store.clock.now());
      const path = `/api/patients/${encodeURIComponent(props.patientId)}/trend`;
      return api<TrendResponse>(`${path}?from=${to - rangeMs}&to=${to}&buckets=${BUCKETS}`);
    },
    refetchInterval: REFETCH_MS,
    gcTime: 0,
  });
  return (
    <section className="trends" aria-label="Trends">
      <div className="row trends-head">
        <h2>Trends</h2>
        {/* biome-ignore lint/a11y/useSemanticElements: a fieldset would bring a frame of its own */}
        <div className="tabs" role="group" aria-label="Time shown">
          {RANGES.map(([label, ms]) => (
            <button key={label} type="button" aria-pressed={ms === rangeMs} onClick={() => setRange(ms)}>
              {label}
            </button>
          ))}
        </div>
        {isElsewhere(store.clock.now()) && <span className="soft">Times in {zoneName(store.clock.now())}</span>}
        {query.isPending && <span className="soft">Loading…</span>}
        {query.isError && <span role="alert">{problemText(query.error)}</span>}
      </div>
      {query.data?.doubts?.map((doubt) => (
        <p key={`${doubt.deviceId} ${doubt.from}`} className="chip-warn">
          ⚠ Doubtful: <When at={doubt.from} /> – <When at={doubt.until} />. The key of {doubt.deviceId} may have been
          somebody else’s. Measure again before you rely on values of that time.
        </p>
      ))}
      {CHARTS.map((chart) => (
        <Chart key={chart.title} {...props} {...chart} rangeMs={rangeMs} trend={query.data} />
      ))}
    </section>
  );
}

function Chart({
  title,
  vitals,
  colour,
  decimals,
  span,
  limits,
  alarms,
  tail,
  rangeMs,
  trend,
}: TrendsProps & (typeof CHARTS)[number] & { readonly rangeMs: number; readonly trend: TrendResponse | undefined }) {
  const { store } = useServices();
  const host = useRef<HTMLDivElement>(null);
  const latest = useRef({ alarms, trend, rangeMs });
  latest.current = { alarms, trend, rangeMs };
  const redraw = useRef(() => {});
  const ours = limits.filter((rule) => rule.off !== true && (vitals as readonly string[]).includes(rule.vital));
  const limitsKey = JSON.stringify(ours);

  useEffect(() => {
    const element = host.current;
    if (element === null) return;
    const chart = createTrendChart(element, {
      width: element.clientWidth,
      colour,
      decimals,
      span,
      lines: vitals.length,
      limits: JSON.parse(limitsKey) as LimitRule[],
      marks: () =>
        latest.current.alarms
          .filter((alert) => (vitals as readonly (string | undefined)[]).includes(alert.worst.vital))
          .map((alert) => ({ at: Date.parse(alert.raisedAt), colour: MARK[lookOf(alert)] })),
    });
    const draw = () => {
      const to = store.clock.now();
      const { trend: known, rangeMs: range } = latest.current;
      const lines = vitals.map(
        (vital): TrendColumns => trendColumns(known?.series[vital], known?.bucketMs ?? 0, tail.of(vital)),
      );
      chart.show(lines, { from: to - range, to });
    };
    redraw.current = draw;
    draw();
    let seconds = 0;
    const offSecond = onSecond(() => {
      seconds += 1;
      // Over a day, a second is a tenth of a pixel.
      if (latest.current.rangeMs <= 6 * HOUR || seconds % 15 === 0) draw();
    });
    const observer = new ResizeObserver(() => chart.resize(element.clientWidth));
    observer.observe(element);
    return () => {
      offSecond();
      observer.disconnect();
      chart.destroy();
    };
  }, [store, tail, colour, decimals, span, vitals, limitsKey]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: what it draws from is read through the ref
  useEffect(() => redraw.current(), [trend, rangeMs, alarms]);

  return (
    <figure className="chart">
      <figcaption>{title}</figcaption>
      <div ref={host} className="chart-host" />
    </figure>
  );
}

const MARK = { high: '#ff3b45', medium: '#ffd60a', low: '#35d6e8', technical: '#7fb9c2' } as const;
