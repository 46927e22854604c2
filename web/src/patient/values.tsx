import type { LimitRule, PatientDetail } from '@healthsync/contracts/patient';
import { ageText } from '../live/freshness.ts';
import { type Shown, tileView } from '../live/tile-view.ts';
import { useSeconds, useServices } from '../services.ts';
import { SHOWN_VITALS } from './vital-signs.ts';

/** Each value now, with its age and the limits it is judged by. */
export function Values({ patient }: { readonly patient: PatientDetail }) {
  const { store } = useServices();
  useSeconds();
  const tile = store.tile(patient.id) ?? patient.tile;
  const now = store.clock.now();
  if (tile === undefined) return <p className="soft">No bed and no device yet: nothing is measured.</p>;
  const view = tileView(tile, store.alarmsOf(patient.id), now);
  const age = (vital: string) => {
    const value = tile.values[vital];
    return value === undefined ? '' : ageText(now - Math.min(value.at, value.rx));
  };
  const card = (title: string, kind: string, shown: Shown, vitals: readonly string[]) => (
    <div className={`card value value-${kind}`}>
      <span className="card-label">
        {title} <span className="card-age">{age(vitals[0] ?? '')}</span>
      </span>
      <span className="figure" data-freshness={shown.freshness} {...(shown.isCause && { 'data-cause': true })}>
        {shown.text}
      </span>
      <span className="card-limits">{limitsText(patient.limits, vitals)}</span>
    </div>
  );
  return (
    <div className="cards tile">
      {view.notice !== '' && <p className="card-notice">{view.notice}</p>}
      {card('HR /min', 'hr', view.heartRate, ['heartRate'])}
      {card('SpO₂ %', 'spo2', view.spo2, ['spo2'])}
      {card('RR /min', 'rr', view.respiratoryRate, ['respiratoryRate'])}
      {card('Temperature °C', 't', view.temperature, ['temperature'])}
      {card('BP mmHg', 'bp', view.pressure, ['systolic', 'diastolic', 'mean'])}
    </div>
  );
}

function limitsText(limits: readonly LimitRule[], vitals: readonly string[]): string {
  const ours = limits.filter((rule) => vitals.includes(rule.vital) && rule.off !== true);
  if (ours.length === 0) return 'no limit set';
  return ours
    .map(({ vital, comparison, limit }) => {
      const name = vitals.length > 1 ? `${SHOWN_VITALS.find((one) => one.vital === vital)?.label.slice(3)} ` : '';
      return `${name}${comparison === 'above' ? '>' : '<'} ${limit}`;
    })
    .join(' · ');
}
