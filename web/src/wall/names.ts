import type { PatientList } from '@healthsync/contracts/patient';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api.ts';
import { useSession } from '../session/session.tsx';
import { useSettings } from '../settings.ts';
import { isolated } from '../widgets/own-direction.ts';

export interface Names {
  readonly isAllowed: boolean;
  readonly isOn: boolean;
  toggle(): void;
  of(patientId: string): string | undefined;
}

/** Names are off until asked for, by somebody who may, and are then fetched apart: the wall's own stream has none. */
export function useNames(): Names {
  const { may } = useSession();
  const { ward } = useSettings();
  const [isOn, setOn] = useState(false);
  const isAllowed = may('patient.read');
  const query = useQuery({
    queryKey: ['names', ward],
    queryFn: () => api<PatientList>(ward === undefined ? '/api/patients' : `/api/patients?ward=${ward}`),
    enabled: isOn && isAllowed,
    gcTime: 0,
    select: ({ patients }) => new Map(patients.map((patient) => [patient.id, shortName(patient)])),
  });
  return {
    isAllowed,
    isOn,
    toggle: () => setOn(!isOn),
    of: (patientId) => (isOn ? query.data?.get(patientId) : undefined),
  };
}

/** `Mehta, D.` */
export function shortName(patient: { readonly familyName?: string; readonly givenName?: string }): string {
  const initial = patient.givenName?.[0];
  return isolated(
    [patient.familyName, initial === undefined ? undefined : `${initial}.`].filter((part) => part).join(', '),
  );
}
