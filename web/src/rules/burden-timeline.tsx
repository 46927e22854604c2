import type { AlarmBurdenComparison } from '@healthsync/contracts/alarm-burden';
import { When } from '../times/when.tsx';

const HEIGHT = 64;
/** Wider bars than this say no more. */
const BAR_MAX = 14;

/** Alarms hour by hour: before in outline, after filled; the same figures stand in the table beneath. */
export function BurdenTimeline({ timeline }: { readonly timeline: AlarmBurdenComparison['timeline'] }) {
  const most = Math.max(1, ...timeline.map(({ before, after }) => Math.max(before, after)));
  const step = Math.min(BAR_MAX, Math.max(2, 900 / timeline.length));
  const width = step * timeline.length;
  return (
    <figure className="burden-timeline">
      <svg viewBox={`0 0 ${width} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label="Alarms hour by hour">
        {timeline.map(({ at, before, after }, place) => (
          <g key={at}>
            <rect
              x={place * step}
              y={HEIGHT - (HEIGHT * before) / most}
              width={step * 0.9}
              height={(HEIGHT * before) / most}
              className="burden-before"
            />
            <rect
              x={place * step + step * 0.2}
              y={HEIGHT - (HEIGHT * after) / most}
              width={step * 0.5}
              height={(HEIGHT * after) / most}
              className="burden-after"
            />
          </g>
        ))}
      </svg>
      <figcaption className="soft">
        Alarms by the hour, at most {most}: <span className="burden-key burden-key-before" /> before{' '}
        <span className="burden-key burden-key-after" /> after
      </figcaption>
      <details>
        <summary>As a table</summary>
        <table className="table burden-table">
          <thead>
            <tr>
              <th scope="col">From</th>
              <th scope="col">Before</th>
              <th scope="col">After</th>
            </tr>
          </thead>
          <tbody>
            {timeline.map(({ at, before, after }) => (
              <tr key={at}>
                <th scope="row">
                  <When at={at} as="recent" />
                </th>
                <td>{before}</td>
                <td>{after}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </figure>
  );
}
