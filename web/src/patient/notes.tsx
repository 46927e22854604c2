import type { Alert, AlertDetail } from '@healthsync/contracts/alert';
import { useQueries } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { api } from '../api.ts';
import { alarmText } from '../live/alarm-rank.ts';
import { When } from '../times/when.tsx';
import { isolated } from '../widgets/own-direction.ts';

/** The latest alarms with notes; earlier ones are read on their own pages. */
const ALARMS_MAX = 8;

/** What people wrote on this patient's alarms, newest first. */
export function Notes({ alarms }: { readonly alarms: readonly Alert[] }) {
  const noted = alarms.filter(({ notes }) => notes > 0).slice(0, ALARMS_MAX);
  const answers = useQueries({
    queries: noted.map(({ id, notes }) => ({
      queryKey: ['alert', id, 'notes', notes],
      queryFn: () => api<AlertDetail>(`/api/alerts/${encodeURIComponent(id)}`),
      gcTime: 0,
    })),
  });
  if (noted.length === 0) return null;
  const notes = answers
    .flatMap(({ data }) => (data?.notes ?? []).map((note) => ({ note, alert: data?.alert })))
    .sort((a, b) => b.note.at.localeCompare(a.note.at));
  return (
    <section>
      <h2>Notes</h2>
      <ol className="timeline">
        {notes.map(({ note, alert }) => (
          <li key={`${alert?.id} ${note.id}`} data-tone="note">
            <When at={note.at} />
            <span>
              <strong>{isolated(note.author)}</strong>{' '}
              {alert !== undefined && (
                <Link to="/alarms/$alarmId" params={{ alarmId: alert.id }}>
                  {alarmText(alert)}
                </Link>
              )}
              {'\n'}
              {note.text}
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}
