import type { AlertList } from '@healthsync/contracts/alert';
import type { PatientDetail } from '@healthsync/contracts/patient';
import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { useEffect, useMemo, useState } from 'react';
import { BreakGlassDialog } from '../access/break-glass-dialog.tsx';
import { useAlarmKeys } from '../alarms/alarm-buttons.tsx';
import { PreviewDialog } from '../alarms/preview-dialog.tsx';
import { ApiProblem, api } from '../api.ts';
import { ConsentPanel } from '../consent/consent-panel.tsx';
import { useServices, useShape } from '../services.ts';
import { useSession } from '../session/session.tsx';
import { HOUSE_ZONE } from '../times/house-zone.ts';
import { localDate } from '../times/zoned-time.ts';
import { Awaited, Skeleton, WaitsLong } from '../widgets/awaited.tsx';
import { useShortcuts } from '../widgets/shortcuts.ts';
import { AlarmTable } from '../worklist/alarm-table.tsx';
import { AlarmBar, topAlarm } from './alarm-bar.tsx';
import { LimitsDialog } from './limits-dialog.tsx';
import { createLiveTail } from './live-tail.ts';
import { News2Panel } from './news2-panel.tsx';
import { Notes } from './notes.tsx';
import { Trends } from './trends.tsx';
import { Values } from './values.tsx';
import { VipMark } from './vip-mark.tsx';

/** Read with their age, not watched: a value is stale after 5 s and says so, and every reading is an entry of the audit. */
const OFF_STREAM_REREAD_MS = 10_000;
/** So many past alarms mark the trends and stand in the list. */
const ALARMS_SHOWN = 200;

/** One patient: who, what calls, values against limits, NEWS2 and its gaps, the past. */
export function PatientPage() {
  const { patientId } = useParams({ from: '/inside/patients/$patientId' });
  const { store } = useServices();
  const patient = useQuery({
    queryKey: ['patient', patientId],
    queryFn: () => api<PatientDetail>(`/api/patients/${encodeURIComponent(patientId)}`),
    gcTime: 0,
    // Whoever was reached in an emergency is on no stream of this screen.
    refetchInterval: ({ state }) =>
      state.data !== undefined && store.tile(patientId) === undefined ? OFF_STREAM_REREAD_MS : false,
  });
  if (patient.isPending) return <PatientSkeleton />;
  if (patient.data !== undefined) return <Patient key={patientId} patient={patient.data} />;
  return (
    <main className="page">
      <h1>Patient</h1>
      {isUnknownHere(patient.error) ? (
        <NotMine patientId={patientId} error={patient.error} />
      ) : (
        <Awaited query={patient}>{() => null}</Awaited>
      )}
    </main>
  );
}

const isUnknownHere = (error: Error | null): boolean =>
  error instanceof ApiProblem && (error.problem.status === 404 || error.problem.status === 403);

/** A patient of another ward looks from outside like nobody; whoever may answer an emergency has a way in. */
function NotMine({ patientId, error }: { readonly patientId: string; readonly error: Error | null }) {
  const { may } = useSession();
  const [isAsking, setAsking] = useState(false);
  const mayOpen = may('break-glass.use');
  // Who hears the alarms of somebody knows that they are here: consent or a special protection closes the record.
  const isClosed = error instanceof ApiProblem && error.problem.status === 403;
  return (
    <section className="refused emergency-way" role="alert" aria-label="Not among your patients">
      <p>{isClosed ? 'This record is closed to you.' : 'No such patient among yours.'}</p>
      {mayOpen && <p className="soft">Whoever needs you now can be opened, with a reason.</p>}
      <div className="row">
        {mayOpen && <Button onClick={() => setAsking(true)}>Open in an emergency</Button>}
        <Link to="/patients">To your patients</Link>
      </div>
      {isAsking && (
        <BreakGlassDialog patientId={patientId} onClose={() => setAsking(false)} onOpened={() => setAsking(false)} />
      )}
    </section>
  );
}

function Patient({ patient }: { readonly patient: PatientDetail }) {
  const { store } = useServices();
  const { may } = useSession();
  const shape = useShape();
  const [isEditing, setEditing] = useState(false);
  const [isPreviewing, setPreviewing] = useState(false);
  const tail = useMemo(createLiveTail, []);
  const history = useQuery({
    queryKey: ['alerts', patient.id, shape],
    queryFn: () => api<AlertList>(`/api/alerts?patient=${encodeURIComponent(patient.id)}&limit=${ALARMS_SHOWN}`),
    placeholderData: (before) => before,
    gcTime: 0,
  });
  useAlarmKeys(() => topAlarm(store, patient.id));
  const mayEdit = may('limits.write');
  useShortcuts({ t: () => (mayEdit || may('rules.read') ? setEditing(true) : false) });
  useEffect(() => {
    const add = () => {
      const tile = store.tile(patient.id);
      if (tile !== undefined) tail.add(tile);
    };
    add();
    return store.onTile(patient.id, add);
  }, [store, tail, patient.id]);

  const past = history.data?.alerts ?? [];
  return (
    <main className="page patient">
      <div className="row patient-head">
        <h1>{headline(patient)}</h1>
        <span className="soft">{about(patient)}</span>
        <VipMark patientId={patient.id} />
        {may('rota.read') && (
          <Button variant="default" size="compact-md" onClick={() => setPreviewing(true)}>
            Who is told
          </Button>
        )}
        {(mayEdit || may('rules.read')) && (
          <Button variant="default" size="compact-md" onClick={() => setEditing(true)}>
            Limits&nbsp;<kbd>T</kbd>
          </Button>
        )}
      </div>
      <AlarmBar patientId={patient.id} />
      <div className="patient-body">
        <div className="patient-now">
          <Values patient={patient} />
          <News2Panel patient={patient} />
        </div>
        <Trends patientId={patient.id} limits={patient.limits} alarms={past} tail={tail} />
      </div>
      <Notes alarms={past} />
      <h2>Alarms of this patient</h2>
      <Awaited query={history} rows={3}>
        {({ alerts }) =>
          alerts.length === 0 ? <p className="soft">None yet.</p> : <AlarmTable alarms={alerts} showBed={false} />
        }
      </Awaited>
      {may('consent.read') ? (
        <ConsentPanel patientId={patient.id} />
      ) : (
        <p className="soft consent-elsewhere">
          What this patient consents to is seen and recorded by charge nurses, doctors and privacy officers.
        </p>
      )}
      {isPreviewing && <PreviewDialog patientId={patient.id} onClose={() => setPreviewing(false)} />}
      {isEditing && <LimitsDialog patient={patient} onClose={() => setEditing(false)} />}
    </main>
  );
}

/** Where things will stand, before they are known. */
function PatientSkeleton() {
  return (
    <main className="page" role="status" aria-label="Loading">
      <div className="skeleton skeleton-head" />
      <WaitsLong />
      <div className="patient-body">
        <Skeleton rows={5} />
        <Skeleton rows={5} />
      </div>
    </main>
  );
}

function headline({ bed, familyName, givenName, id }: PatientDetail): string {
  const name = [familyName, givenName].filter((part) => part !== undefined).join(', ');
  return `${bed ?? 'No bed'} · ${name === '' ? id : name}`;
}

function about({ mrn, birthDate, sex, wardName }: PatientDetail): string {
  return [
    mrn === undefined ? undefined : `MRN ${mrn}`,
    birthDate === undefined ? undefined : `born ${birthDate} (${ageInYears(birthDate)} y)`,
    sex,
    wardName,
  ]
    .filter((part) => part !== undefined)
    .join(' · ');
}

function ageInYears(birthDate: string): number {
  const today = localDate(Date.now(), HOUSE_ZONE);
  const hadBirthday = today.slice(5) >= birthDate.slice(5);
  return Number(today.slice(0, 4)) - Number(birthDate.slice(0, 4)) - (hadBirthday ? 0 : 1);
}
