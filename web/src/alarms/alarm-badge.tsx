import type { Alert } from '@healthsync/contracts/alert';
import { ALARM_MARK, lookOf } from '../live/alarm-rank.ts';

/** Priority by symbol, word and colour; a technical alarm is of its own kind. */
export function AlarmBadge({ alert }: { readonly alert: Alert }) {
  const look = lookOf(alert);
  return (
    <span className="badge" data-look={look}>
      <span aria-hidden="true">{ALARM_MARK[look].symbol}</span> {look}
    </span>
  );
}
