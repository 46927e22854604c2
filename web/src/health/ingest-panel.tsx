import type { DeviceList } from '@healthsync/contracts/device';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { api } from '../api.ts';
import { useSession } from '../session/session.tsx';
import { Awaited } from '../widgets/awaited.tsx';
import { samplesOf, sumOf } from './metrics-text.ts';

/** Behind by so many and somebody should look: a second of a busy house. */
const LAG_MAX = 10_000;

/** How far behind the stages are, what is turned away, which devices are silent. */
export function IngestPanel() {
  const { may } = useSession();
  const metrics = useQuery({
    queryKey: ['metrics'],
    queryFn: async () => {
      const response = await fetch('/metrics', { signal: AbortSignal.timeout(5_000) });
      if (!response.ok) throw new Error('no metrics');
      return response.text();
    },
    refetchInterval: 5_000,
    gcTime: 0,
  });
  const devices = useQuery({
    queryKey: ['devices'],
    queryFn: () => api<DeviceList>('/api/devices'),
    enabled: may('device.read'),
    refetchInterval: 10_000,
  });
  const away = devices.data?.devices.filter(({ presence }) => presence === 'offline').length;
  return (
    <section className="panel" aria-label="Readings">
      <h2>Readings</h2>
      <Awaited query={metrics} rows={4}>
        {(text) => {
          const lag = samplesOf(text, 'healthsync_log_lag_readings');
          const taken = samplesOf(text, 'healthsync_ingest_readings_total');
          const by = (outcome: string) => sumOf(taken.filter(({ labels }) => labels['outcome'] === outcome));
          return (
            <dl className="facts">
              {lag.map(({ labels, value }) => (
                <Row
                  key={labels['group']}
                  term={`Behind: ${labels['group']}`}
                  text={`${value} readings`}
                  isBad={value > LAG_MAX}
                />
              ))}
              <Row term="Taken" text={COUNT.format(by('accepted'))} />
              <Row term="Turned away" text={COUNT.format(by('rejected'))} isBad={by('rejected') > 0} />
              <Row
                term="Rung, not yet stored"
                text={COUNT.format(sumOf(samplesOf(text, 'healthsync_alarms_unstored')))}
              />
              <Row term="Deliveries waiting" text={COUNT.format(sumOf(samplesOf(text, 'healthsync_notify_pending')))} />
              <Row term="Devices connected" text={COUNT.format(sumOf(samplesOf(text, 'healthsync_mqtt_sessions')))} />
            </dl>
          );
        }}
      </Awaited>
      {away !== undefined && (
        <p className={away > 0 ? 'chip-warn' : 'soft'}>
          {away} {away === 1 ? 'device is' : 'devices are'} away. <Link to="/devices">Devices</Link>
        </p>
      )}
    </section>
  );
}

const COUNT = new Intl.NumberFormat('en-GB');

function Row({
  term,
  text,
  isBad = false,
}: {
  readonly term: string;
  readonly text: string;
  readonly isBad?: boolean;
}) {
  return (
    <div>
      <dt>{term}</dt>
      <dd className={isBad ? 'chip-warn' : ''}>{text}</dd>
    </div>
  );
}
