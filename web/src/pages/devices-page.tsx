import type { DeviceList, RejectedList } from '@healthsync/contracts/device';
import { Button } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, problemText } from '../api.ts';
import { useServices } from '../services.ts';
import { useSession } from '../session/session.tsx';
import { When } from '../times/when.tsx';
import { Awaited } from '../widgets/awaited.tsx';
import { showToast } from '../widgets/toast.ts';
import { expiryOf, lastingLongest } from './certificate-expiry.ts';
import { CertificatesDialog } from './certificates-dialog.tsx';
import { Enrollments } from './enrollments.tsx';

type Rejected = RejectedList['rejected'][number];
const STATES = ['open', 'replayed', 'dismissed'] as const;

/** For operators: which devices there are, and what they sent that could not be taken. */
export function DevicesPage() {
  const { may } = useSession();
  return (
    <main className="page">
      <h1>Devices and their readings</h1>
      {may('device.read') && <Enrollments />}
      {may('device.read') && <Devices />}
      {may('rejected.read') && <RejectedReadings />}
    </main>
  );
}

function RejectedReadings() {
  const queries = useQueryClient();
  const [state, setState] = useState<(typeof STATES)[number]>('open');
  const query = useQuery({
    queryKey: ['rejected', state],
    queryFn: () => api<RejectedList>(`/api/rejected-readings?state=${state}&limit=100`),
    refetchInterval: 10_000,
  });

  async function act(one: Rejected, action: 'replay' | 'dismiss'): Promise<void> {
    try {
      await api(`/api/rejected-readings/${encodeURIComponent(one.id)}/${action}`, { method: 'POST' });
    } catch (error) {
      showToast(problemText(error));
    }
    await queries.invalidateQueries({ queryKey: ['rejected'] });
  }

  return (
    <section>
      <div className="row">
        <h2>Rejected readings</h2>
        {/* biome-ignore lint/a11y/useSemanticElements: a fieldset would bring a frame of its own */}
        <div className="tabs" role="group" aria-label="Which">
          {STATES.map((each) => (
            <button key={each} type="button" aria-pressed={each === state} onClick={() => setState(each)}>
              {each}
            </button>
          ))}
        </div>
      </div>
      <Awaited query={query} rows={6}>
        {({ rejected }) =>
          rejected.length === 0 ? <p className="soft">None.</p> : <RejectedTable rejected={rejected} act={act} />
        }
      </Awaited>
    </section>
  );
}

function RejectedTable({
  rejected,
  act,
}: {
  readonly rejected: readonly Rejected[];
  readonly act: (one: Rejected, action: 'replay' | 'dismiss') => Promise<void>;
}) {
  const { may } = useSession();
  return (
    <div className="table-box">
      <table className="table">
        <thead>
          <tr>
            <th scope="col">Received</th>
            <th scope="col">Device</th>
            <th scope="col">Reason</th>
            <th scope="col">What to do</th>
          </tr>
        </thead>
        <tbody>
          {rejected.map((one) => (
            <tr key={one.id}>
              <td className="nowrap">
                <When at={one.receivedAt} as="second" zone="named" /> <span className="soft">{one.source}</span>
              </td>
              <td className="nowrap">{one.deviceId}</td>
              <td>
                {one.errors.map((error) => (
                  <div key={`${error.code} ${error.field}`}>
                    <strong>{error.code}</strong> {error.field !== '' && <code>{error.field}</code>} {error.detail}
                  </div>
                ))}
                <details>
                  <summary>As received</summary>
                  <pre className="payload">{one.payload}</pre>
                </details>
              </td>
              <td className="nowrap">
                {one.state !== 'open' || !may('rejected.replay') ? (
                  one.state
                ) : (
                  <span className="row">
                    <Button size="compact-sm" onClick={() => void act(one, 'replay')}>
                      Replay
                    </Button>
                    <Button size="compact-sm" variant="default" onClick={() => void act(one, 'dismiss')}>
                      Dismiss
                    </Button>
                  </span>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Devices() {
  const query = useQuery({
    queryKey: ['devices'],
    queryFn: () => api<DeviceList>('/api/devices'),
    refetchInterval: 10_000,
  });
  return (
    <section>
      <h2>Devices</h2>
      <Awaited query={query} rows={6}>
        {({ devices }) =>
          devices.length === 0 ? <p className="soft">None yet.</p> : <DeviceTable devices={devices} />
        }
      </Awaited>
      <p className="soft">
        One that cannot come in with a code:{' '}
        <code className="serial">healthsync device enroll DEVICE --patient PATIENT --out FOLDER</code> writes the
        certificate and key that it signs in with.
      </p>
    </section>
  );
}

const PRESENCE_WORDS: Readonly<Record<string, string>> = { online: 'connected', offline: 'away' };

function DeviceTable({ devices }: { readonly devices: DeviceList['devices'] }) {
  const { store } = useServices();
  const [openedId, setOpened] = useState<string>();
  const opened = devices.find(({ id }) => id === openedId);
  return (
    <>
      <div className="table-box">
        <table className="table stacking">
          <thead>
            <tr>
              <th scope="col">Device</th>
              <th scope="col">Now</th>
              <th scope="col">Patient</th>
              <th scope="col">Speaks as</th>
              <th scope="col">Certificate until</th>
            </tr>
          </thead>
          <tbody>
            {devices.map((device) => (
              <tr key={device.id}>
                <td className="device-name">{device.id}</td>
                <td data-label="Now">{PRESENCE_WORDS[device.presence] ?? device.presence}</td>
                <td data-label="Patient" className="device-name">
                  {device.patientId === undefined ? '–' : (store.tile(device.patientId)?.bed ?? device.patientId)}
                </td>
                <td data-label="Speaks as">{device.profile ?? 'HealthSync'}</td>
                <td data-label="Certificate">
                  <span className="row">
                    <CertificateEnd certificates={device.certificates} />
                    <button type="button" className="plain-button entry-button" onClick={() => setOpened(device.id)}>
                      Certificates<span className="unseen"> of {device.id}</span>
                    </button>
                  </span>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {opened !== undefined && <CertificatesDialog device={opened} onClose={() => setOpened(undefined)} />}
    </>
  );
}

/** Of the one that lasts longest of those that still count. */
function CertificateEnd({ certificates }: Pick<DeviceList['devices'][number], 'certificates'>) {
  const now = Date.now();
  const one = lastingLongest(certificates, now);
  if (one === undefined) return <span>{certificates.length > 0 ? 'none that counts' : '–'}</span>;
  const expiry = expiryOf(one, now);
  return (
    <span className={expiry.isUrgent ? 'chip-warn' : undefined}>
      <When at={one.notAfter} as="second" zone="named" /> {expiry.isUrgent && expiry.text}
    </span>
  );
}
