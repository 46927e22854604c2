import type { ChannelList } from '@healthsync/contracts/channel';
import type { Readiness } from '@healthsync/contracts/health';
import type { SystemAlarm } from '@healthsync/contracts/system-alarm';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { api, problemText } from '../api.ts';
import { ChannelHealth, STATE_WORDS } from '../channels/channels-page.tsx';
import { useServices, useShape } from '../services.ts';
import { useSession } from '../session/session.tsx';
import { When } from '../times/when.tsx';
import { Awaited } from '../widgets/awaited.tsx';
import { showToast } from '../widgets/toast.ts';
import { IngestPanel } from './ingest-panel.tsx';

/** The installation itself: what is wrong, what is delivered, how far behind it is, which devices are silent. */
export function HealthPage() {
  const { may } = useSession();
  return (
    <main className="page">
      <div className="row page-head">
        <h1>Health</h1>
      </div>
      <SystemAlarms />
      <div className="health-columns">
        <Dependencies />
        {may('operations.read') && <IngestPanel />}
        {may('operations.read') && <Delivery />}
      </div>
    </main>
  );
}

/** Those of the live stream; whoever has none asks for them. */
function SystemAlarms() {
  const { store } = useServices();
  const { may } = useSession();
  useShape();
  const watches = may('wall.watch');
  const query = useQuery({
    queryKey: ['system-alarms'],
    queryFn: () => api<{ readonly alarms: readonly SystemAlarm[] }>('/api/system-alarms?state=active'),
    enabled: !watches,
    refetchInterval: 5_000,
  });
  const alarms = watches ? store.systemAlarms() : (query.data?.alarms ?? []);
  async function acknowledge(id: string): Promise<void> {
    try {
      await api(`/api/system-alarms/${encodeURIComponent(id)}/acknowledge`, { method: 'POST' });
      await query.refetch();
    } catch (error) {
      showToast(problemText(error));
    }
  }
  if (alarms.length === 0) return <p className="fine">Nothing is wrong that the installation itself knows of.</p>;
  return (
    <ul className="warnings" aria-label="Alarms of the installation">
      {alarms.map((alarm) => (
        <li key={alarm.id} data-severe>
          <strong>◇ {alarm.priority}</strong> {alarm.text}{' '}
          <span className="soft">
            since <When at={alarm.raisedAt} as="second" />
            {alarm.acknowledgedBy !== undefined && ` · ✓ ${alarm.acknowledgedBy}`}
          </span>{' '}
          {alarm.acknowledgedAt === undefined && may('system-alarm.acknowledge') && (
            <button type="button" className="plain-button" onClick={() => void acknowledge(alarm.id)}>
              I look after it
            </button>
          )}
        </li>
      ))}
    </ul>
  );
}

/** What each part is for, to somebody who does not run it. */
const PART_WORDS: Readonly<Record<string, string>> = {
  log: 'Readings are taken and kept',
  database: 'People, limits and what was done',
  assessor: 'Readings are judged',
  history: 'Trends and past values',
  'alarm store': 'Alarms are kept',
  installation: 'The installation as a whole',
  escalation: 'Further people are told',
  'escalation watchdog': 'The telling is watched over',
  'audit log': 'What is done is written down',
  'watching over access': 'Access is watched over',
  'leak scan': 'Leaks are searched for',
  'certificate authorities': 'Devices get their certificates',
};
/** `channel sms` → `Messages by sms`. */
const partText = (name: string): string => PART_WORDS[name] ?? name.replace(/^channel /, 'Messages by ');

const PART_STATE_WORDS = { up: 'works', degraded: 'partly works', down: '✕ down' } as const;

function Dependencies() {
  const { may } = useSession();
  const isOperator = may('operations.read');
  const query = useQuery({
    queryKey: ['readiness'],
    queryFn: async () => {
      // 503 is an answer too: it names what is down.
      const response = await fetch('/health/ready', { signal: AbortSignal.timeout(5_000) });
      return (await response.json()) as Readiness;
    },
    refetchInterval: 5_000,
  });
  return (
    <section className="panel" aria-label="What it stands on">
      <h2>What it stands on</h2>
      <Awaited query={query} rows={3}>
        {({ checks }) => (
          <ul className="checks">
            {checks.map(({ name, state, required }) => (
              <li key={name}>
                <span>
                  {partText(name)} {isOperator && <span className="soft">{name}</span>}
                </span>
                <span className="state" data-state={state}>
                  {PART_STATE_WORDS[state]}
                </span>
                {required && state === 'down' && <strong className="chip-warn">nothing works without it</strong>}
              </li>
            ))}
          </ul>
        )}
      </Awaited>
    </section>
  );
}

function Delivery() {
  const query = useQuery({
    queryKey: ['channels'],
    queryFn: () => api<ChannelList>('/api/channels'),
    refetchInterval: 5_000,
  });
  return (
    <section className="panel" aria-label="Delivery">
      <h2>
        Delivery <Link to="/channels">channels</Link>
      </h2>
      <Awaited query={query} rows={3}>
        {({ channels }) =>
          channels.length === 0 ? (
            <p className="soft">No channel is configured.</p>
          ) : (
            <ul className="checks">
              {channels.map(({ name, health }) => (
                <li key={name}>
                  <span>{name}</span>
                  <span className="state" data-state={health.state}>
                    {STATE_WORDS[health.state]}
                  </span>
                  <ChannelHealth health={health} />
                </li>
              ))}
            </ul>
          )
        }
      </Awaited>
    </section>
  );
}
