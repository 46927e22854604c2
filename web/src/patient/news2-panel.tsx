import type { News2 } from '@healthsync/contracts/live';
import type { PatientDetail } from '@healthsync/contracts/patient';
import { ageText, connectionOf } from '../live/freshness.ts';
import { LOST, news2Tone } from '../live/tile-view.ts';
import { useSeconds, useServices } from '../services.ts';
import { NEWS2_PARAMETERS } from './vital-signs.ts';

/** NEWS2 taken apart (RCP 2017): the points of each parameter, and by name what is missing and since when. */
export function News2Panel({ patient }: { readonly patient: PatientDetail }) {
  const { store } = useServices();
  useSeconds();
  const scale = patient.news2?.spo2Scale ?? patient.spo2Scale;
  const tile = store.tile(patient.id);
  const news2 = tile?.news2;
  const now = store.clock.now();
  const reason = tile?.news2NotApplicable ?? patient.news2?.notApplicable;
  if (reason !== undefined)
    return (
      <section className="card news2">
        <h2>NEWS2</h2>
        <p>
          <strong>Not applicable: {NOT_APPLICABLE[reason]}.</strong>
        </p>
        <p className="soft">No score is made for this patient; limits of single values still ring.</p>
      </section>
    );
  if (tile === undefined || news2 === undefined)
    return (
      <section className="card news2">
        <h2>NEWS2</h2>
        <p className="soft">No score yet.</p>
      </section>
    );
  const connection = connectionOf(tile, now);
  const isLost = connection === 'lost' || connection === 'offline';
  const isPartial = news2.missing.length > 0;
  const score = isLost ? LOST : isPartial ? `≥${news2.score}` : String(news2.score);
  return (
    <section className="card news2">
      <h2>NEWS2</h2>
      <div className="row">
        <span className="news2-score" data-tone={isLost ? 'plain' : news2Tone(news2)}>
          {score}
        </span>
        <span className="soft">
          {isLost
            ? 'No current values.'
            : isPartial
              ? `Partial: ${news2.missing.length} of 7 missing, the true score may be higher.`
              : response(news2)}
        </span>
      </div>
      <table className="news2-table">
        <tbody>
          {NEWS2_PARAMETERS.map(([parameter, words]) => (
            <tr key={parameter}>
              <th scope="row">
                {words}
                {parameter === 'spo2' && scale === 2 && ' (scale 2)'}
              </th>
              <td>{pointsText(news2, parameter, now)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** RCP 2017: not for children under 16 nor in pregnancy; the rest is prescribed. */
const NOT_APPLICABLE = {
  'under-16': 'under 16 years',
  pregnancy: 'pregnancy',
  'end-of-life': 'end of life',
  other: 'prescribed not to be used',
} as const;

function pointsText(news2: News2, parameter: string, nowMs: number): string {
  const points = news2.points[parameter];
  if (points !== undefined) return String(points);
  const missing = news2.missing.find((one) => one.parameter === parameter);
  return missing?.since === undefined ? 'never measured' : `missing for ${ageText(nowMs - missing.since)}`;
}

/** Chart 4: how often to look, and who is told. Said only of a complete score. */
function response(news2: News2): string {
  if (news2.score >= 7) return 'Emergency response; continuous monitoring.';
  if (news2.score >= 5) return 'Urgent response; at least hourly.';
  if (news2.single3) return 'One parameter scores 3: at least hourly.';
  return news2.score >= 1 ? 'Every 4–6 hours.' : 'Every 12 hours.';
}
