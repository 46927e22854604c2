import { Link } from '@tanstack/react-router';
import { useServices, useShape } from '../services.ts';
import { useSession } from '../session/session.tsx';

/**
 * Alarms of the installation on every page: when nobody can be told, the people in the room must know that it is on them.
 * What somebody looks after already is only counted on the health page.
 */
export function SystemBanner() {
  const { store } = useServices();
  const { may } = useSession();
  useShape();
  const open = store.systemAlarms().filter(({ acknowledgedAt }) => acknowledgedAt === undefined);
  const shown = open.filter(({ priority }) => priority !== 'low');
  const [first] = shown.toSorted((a, b) => RANK[a.priority] - RANK[b.priority]);
  if (first === undefined) return null;
  return (
    <div className="system" data-priority={first.priority} role="status">
      <strong>
        <span aria-hidden="true">◇ ! </span>
        {first.text}
      </strong>
      {shown.length > 1 && <span>and {shown.length - 1} more</span>}
      {(may('operations.read') || may('system-alarm.acknowledge')) && <Link to="/status">Health</Link>}
    </div>
  );
}

const RANK = { high: 0, medium: 1, low: 2 } as const;
