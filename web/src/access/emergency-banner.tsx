import type { EmergencyAccess } from '@healthsync/contracts/access';
import type { PatientDetail } from '@healthsync/contracts/patient';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useEffect, useRef } from 'react';
import { api, problemText } from '../api.ts';
import { durationText } from '../live/freshness.ts';
import { useSeconds, useServices } from '../services.ts';
import { showToast } from '../widgets/toast.ts';
import { MY_EMERGENCIES, useMyEmergencies } from './my-emergencies.ts';

/** On every page, as long as a record is open in an emergency: which, for how long still, and the way to end it. */
export function EmergencyBanner() {
  const { store } = useServices();
  const { data = [] } = useMyEmergencies();
  const queries = useQueryClient();
  const before = useRef<readonly string[]>([]);
  useSeconds();
  const open = data.filter(({ until }) => Date.parse(until) > store.clock.now());
  const patients = open.map(({ patientId }) => patientId).join(' ');
  useEffect(() => {
    const now = patients === '' ? [] : patients.split(' ');
    // What may no longer be seen must not stay on the page because it was read before.
    for (const patientId of before.current)
      if (!now.includes(patientId)) {
        void queries.resetQueries({ queryKey: ['patient', patientId] });
        queries.removeQueries({ queryKey: ['alerts', patientId] });
      }
    before.current = now;
  }, [patients, queries]);
  return open.map((access) => (
    <Open key={access.id} access={access} leftMs={Date.parse(access.until) - store.clock.now()} />
  ));
}

function Open({ access: { id, patientId }, leftMs }: { readonly access: EmergencyAccess; readonly leftMs: number }) {
  const queries = useQueryClient();
  const place = useQuery({
    queryKey: ['patient', patientId, 'bed'],
    queryFn: () => api<PatientDetail>(`/api/patients/${encodeURIComponent(patientId)}`),
    select: ({ bed }) => bed,
    staleTime: 60_000,
    gcTime: 0,
    retry: false,
  });

  async function end(): Promise<void> {
    try {
      await api(`/api/break-glass/${encodeURIComponent(id)}/end`, { method: 'POST' });
    } catch (error) {
      showToast(problemText(error));
    }
    await queries.invalidateQueries({ queryKey: MY_EMERGENCIES });
  }

  return (
    <section className="emergency" aria-label="Emergency access">
      <strong>
        <span aria-hidden="true">⚠ </span>Emergency access:{' '}
        <Link to="/patients/$patientId" params={{ patientId }}>
          {place.data ?? patientId}
        </Link>
      </strong>
      <span>
        <span className="emergency-left">{durationText(leftMs)}</span> left
      </span>
      <span className="emergency-note">All you open is written down, and a privacy officer reviews it.</span>
      <button type="button" className="plain-button" onClick={() => void end()}>
        End it now
      </button>
    </section>
  );
}
