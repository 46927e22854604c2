import type { PatientList } from '@healthsync/contracts/patient';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import { BreakGlassDialog } from '../access/break-glass-dialog.tsx';
import { api } from '../api.ts';
import { useSession } from '../session/session.tsx';
import { Awaited } from '../widgets/awaited.tsx';

type Listed = PatientList['patients'][number];

/** More rows than this are not read; the search narrows them. */
const SHOWN_MAX = 200;

/** Find a patient by bed, name or number. The words typed stay in the page and reach no address or log. */
export function PatientsPage() {
  const { may } = useSession();
  const navigate = useNavigate();
  const [isEmergency, setEmergency] = useState(false);
  const [words, setWords] = useState('');
  const query = useQuery({ queryKey: ['patients'], queryFn: () => api<PatientList>('/api/patients'), gcTime: 0 });
  return (
    <main className="page">
      <div className="row page-head">
        <h1>Patients</h1>
        {may('break-glass.use') && (
          <button type="button" className="plain-button row-end" onClick={() => setEmergency(true)}>
            Emergency in another ward
          </button>
        )}
      </div>
      <input
        className="search"
        type="search"
        placeholder="Bed, name or record number"
        aria-label="Search patients"
        autoComplete="off"
        // biome-ignore lint/a11y/noAutofocus: `/` opens this page in order to search
        autoFocus
        value={words}
        onChange={(event) => setWords(event.target.value)}
      />
      <Awaited query={query} rows={6}>
        {({ patients }) => (
          <Found patients={patients.filter((patient) => matches(patient, words))} isSearch={words.trim() !== ''}>
            {may('break-glass.use') && words.trim() !== '' && (
              <button type="button" className="plain-button" onClick={() => setEmergency(true)}>
                It is an emergency in another ward
              </button>
            )}
          </Found>
        )}
      </Awaited>
      {isEmergency && (
        <BreakGlassDialog
          bed={words.trim()}
          onClose={() => setEmergency(false)}
          onOpened={({ patientId }) => void navigate({ to: '/patients/$patientId', params: { patientId } })}
        />
      )}
    </main>
  );
}

function Found({
  patients,
  isSearch,
  children,
}: {
  readonly patients: readonly Listed[];
  readonly isSearch: boolean;
  /** Where somebody who was looked for may still be reached. */
  readonly children: ReactNode;
}) {
  if (patients.length === 0)
    return (
      <div className="refused">
        <p>{isSearch ? 'Nobody by that among your patients.' : 'No patient lies in your wards.'}</p>
        {children}
      </div>
    );
  return (
    <>
      <div className="table-box">
        <table className="table patient-table">
          <thead>
            <tr>
              <th scope="col">Bed</th>
              <th scope="col">Name</th>
              <th scope="col">Record number</th>
            </tr>
          </thead>
          <tbody>
            {patients.slice(0, SHOWN_MAX).map((patient) => (
              <tr key={patient.id}>
                <td className="nowrap">
                  <Link to="/patients/$patientId" params={{ patientId: patient.id }}>
                    {patient.bed ?? 'No bed'}
                  </Link>
                </td>
                <td>{fullName(patient)}</td>
                <td>{patient.mrn ?? ''}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {patients.length > SHOWN_MAX && <p className="soft">{patients.length - SHOWN_MAX} more: type to narrow.</p>}
    </>
  );
}

function matches(patient: Listed, words: string): boolean {
  const text = `${patient.bed ?? ''} ${fullName(patient)} ${patient.mrn ?? ''} ${patient.id}`.toLowerCase();
  return words
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}

function fullName(patient: { readonly familyName?: string; readonly givenName?: string }): string {
  return [patient.familyName, patient.givenName].filter((part) => part !== undefined).join(', ');
}
