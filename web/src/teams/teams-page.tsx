import type { CareTeam } from '@healthsync/contracts/care-team';
import { Button } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, problemText } from '../api.ts';
import { QuietHoursPanel } from '../me/quiet-hours.tsx';
import { useSession } from '../session/session.tsx';
import { useSettings } from '../settings.ts';
import { evidenceText } from '../times/time-text.ts';
import { When } from '../times/when.tsx';
import { useWardNames } from '../wall/ward-name.ts';
import { Awaited } from '../widgets/awaited.tsx';
import { showToast } from '../widgets/toast.ts';
import { AssignDialog } from './assign-dialog.tsx';
import { ShiftsDialog } from './shifts-dialog.tsx';

const ROLES = { nurse: 'Nurse', 'charge-nurse': 'Charge nurse', doctor: 'Doctor' } as const;

/** Who looks after whom in a ward now, and which bed nobody has. */
export function TeamsPage() {
  const { ward: mine } = useSettings();
  const [chosen, setChosen] = useState(mine);
  const wards = useWardNames();
  return (
    <main className="page">
      <Awaited query={wards} rows={6}>
        {({ wards: all }) => {
          const wardId = chosen ?? all[0]?.id;
          if (wardId === undefined)
            return (
              <>
                <h1>Care team</h1>
                <p className="empty">No ward of yours is there.</p>
              </>
            );
          return (
            <>
              <div className="row page-head">
                <h1>Care team</h1>
                <label>
                  <span className="unseen">Ward</span>
                  <select value={wardId} onChange={(event) => setChosen(event.target.value)}>
                    {all.map(({ id, name }) => (
                      <option key={id} value={id}>
                        {name}
                      </option>
                    ))}
                  </select>
                </label>
              </div>
              <Team key={wardId} wardId={wardId} />
            </>
          );
        }}
      </Awaited>
    </main>
  );
}

function Team({ wardId }: { readonly wardId: string }) {
  const { may } = useSession();
  const queries = useQueryClient();
  const [isShifting, setShifting] = useState(false);
  const [assigning, setAssigning] = useState<{ readonly bedIds: readonly string[] }>();
  const path = `/api/wards/${encodeURIComponent(wardId)}`;
  const query = useQuery({
    queryKey: ['care-team', wardId],
    queryFn: () => api<CareTeam>(`${path}/care-team`),
    refetchInterval: 60_000,
  });
  const mayWrite = may('team.write');
  async function end(id: string): Promise<void> {
    try {
      await api(`${path}/assignments/${encodeURIComponent(id)}`, { method: 'DELETE' });
    } catch (error) {
      showToast(problemText(error));
    }
    await queries.invalidateQueries({ queryKey: ['care-team', wardId] });
  }
  return (
    <Awaited query={query} rows={8}>
      {(team) => (
        <>
          <div className="row">
            <span className="soft">
              {team.shiftNow === undefined ? 'No shift now' : `Shift: ${team.shiftNow}`} · times of {team.zone}
            </span>
            {mayWrite && <Button onClick={() => setAssigning({ bedIds: [] })}>Assign somebody</Button>}
            {mayWrite && (
              <Button variant="default" onClick={() => setShifting(true)}>
                Shifts
              </Button>
            )}
          </div>
          <Warnings team={team} />
          <dl className="team-heads">
            <People term="Charge nurse" people={team.chargeNurses} />
            <People term="Doctor" people={team.doctors} />
          </dl>
          <h2>Beds</h2>
          <ul className="team-beds">
            {team.beds.map((bed) => (
              <li key={bed.bedId} data-nobody={bed.nurses.length === 0 || undefined}>
                <strong>{bed.bed}</strong>{' '}
                {bed.nurses.length === 0 ? 'no nurse' : bed.nurses.map(({ name }) => name).join(', ')}
                {mayWrite && (
                  <button
                    type="button"
                    className="plain-button"
                    onClick={() => setAssigning({ bedIds: [bed.bedId] })}
                    aria-label={`Assign a nurse to ${bed.bed}`}
                  >
                    Assign
                  </button>
                )}
              </li>
            ))}
          </ul>
          <h2>Assignments</h2>
          {team.assignments.length === 0 ? (
            <p className="soft">None.</p>
          ) : (
            <div className="table-box">
              <table className="table">
                <thead>
                  <tr>
                    <th scope="col">Who</th>
                    <th scope="col">As</th>
                    <th scope="col">For</th>
                    <th scope="col">When</th>
                    <th scope="col">Made by</th>
                    {mayWrite && <th scope="col">End</th>}
                  </tr>
                </thead>
                <tbody>
                  {team.assignments.map((one) => (
                    <tr key={one.id}>
                      <td>{one.name ?? one.userId}</td>
                      <td className="nowrap">{ROLES[one.role]}</td>
                      <td>{forWhom(one, team)}</td>
                      <td>
                        {one.shift !== undefined && `${one.shift} shift, `}
                        from <When at={one.from} zone="named" />
                        {one.to !== undefined && ` to ${evidenceText(one.to)}`}
                      </td>
                      <td>{one.madeBy}</td>
                      {mayWrite && (
                        <td>
                          <button type="button" className="plain-button" onClick={() => void end(one.id)}>
                            End<span className="unseen"> the assignment of {one.name ?? one.userId}</span>
                          </button>
                        </td>
                      )}
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          )}
          <div className="me-columns team-quiet">
            <QuietHoursPanel path={`${path}/quiet-hours`} title="Quiet hours of this ward" mayWrite={mayWrite} />
          </div>
          {isShifting && <ShiftsDialog team={team} onClose={() => setShifting(false)} />}
          {assigning !== undefined && (
            <AssignDialog team={team} bedIds={assigning.bedIds} onClose={() => setAssigning(undefined)} />
          )}
        </>
      )}
    </Awaited>
  );
}

/** Beds that nobody has are many on a bad day: counted in one line, and each is marked below. */
function Warnings({ team: { warnings } }: { readonly team: CareTeam }) {
  const empty = warnings.filter(({ code }) => code === 'bed-without-nurse');
  const others = warnings.filter(({ code }) => code !== 'bed-without-nurse');
  if (warnings.length === 0)
    return <p className="fine">Every bed has a nurse, and the ward a charge nurse and a doctor.</p>;
  return (
    <ul className="warnings" aria-label="Warnings">
      {empty.length > 0 && (
        <li data-severe>
          <strong>⚠</strong> {empty.length} {empty.length === 1 ? 'bed has' : 'beds have'} no nurse
        </li>
      )}
      {others.map((warning) => (
        <li key={`${warning.code} ${warning.bedId} ${warning.userId}`} data-severe>
          <strong>⚠</strong> {warning.text}
        </li>
      ))}
    </ul>
  );
}

function People({ term, people }: { readonly term: string; readonly people: CareTeam['doctors'] }) {
  return (
    <div data-nobody={people.length === 0 || undefined}>
      <dt>{term}</dt>
      <dd>{people.length === 0 ? 'nobody' : people.map(({ name }) => name).join(', ')}</dd>
    </div>
  );
}

function forWhom({ bedIds, patientIds }: CareTeam['assignments'][number], team: CareTeam): string {
  if (bedIds.length + patientIds.length === 0) return 'the whole ward';
  const beds = bedIds.map((bedId) => team.beds.find((bed) => bed.bedId === bedId)?.bed ?? bedId);
  const patients = patientIds.map((id) => team.beds.find((bed) => bed.patientId === id)?.bed ?? 'a patient elsewhere');
  return [...beds, ...patients.map((bed) => `patient in ${bed}`)].join(', ');
}
