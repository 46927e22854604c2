import type { LeakFinding, LeakScan, LeakScanList } from '@healthsync/contracts/security-alert';
import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, problemText } from '../api.ts';
import { useSession } from '../session/session.tsx';
import { timeText } from '../times/time-text.ts';
import { When } from '../times/when.tsx';
import { Awaited } from '../widgets/awaited.tsx';
import { showToast } from '../widgets/toast.ts';

const COUNT = new Intl.NumberFormat('en-GB');

/** The search for patients' data where none may be: when it ran last, what was read, what was found and where. */
export function LeakScans() {
  const { may } = useSession();
  const [isAsked, setAsked] = useState(false);
  const query = useQuery({
    queryKey: ['leak-scans'],
    queryFn: () => api<LeakScanList>('/api/leak-scans'),
    refetchInterval: isAsked ? 2_000 : 60_000,
    gcTime: 0,
  });
  async function run(): Promise<void> {
    try {
      await api('/api/leak-scans', { method: 'POST' });
      setAsked(true);
    } catch (error) {
      showToast(problemText(error));
    }
    await query.refetch();
  }
  return (
    <section className="panel leak-scans" aria-label="Search for leaks">
      <div className="row">
        <h2>Search for leaks</h2>
        {may('leak-scan.run') && (
          <span className="row-end">
            <Button size="xs" variant="default" onClick={() => void run()}>
              Search now
            </Button>
          </span>
        )}
      </div>
      <p className="soft">
        Every night files and tables are searched for the names and record numbers of patients, and of made-up ones that
        nobody but a leak can have written. What is found is never shown here, only where it lies.
      </p>
      <Awaited query={query} rows={3}>
        {({ scans, nextAt, folders }) => (
          <>
            <p>
              {nextAt === undefined
                ? 'It is not set to run by itself.'
                : `Next: ${timeText(nextAt, 'minute', 'named')}.`}{' '}
              <span className="soft">Folders: {folders.join(', ')}</span>
            </p>
            {scans.length === 0 ? (
              <p className="soft">It has not run yet.</p>
            ) : (
              <ul className="scans">
                {scans.slice(0, 7).map((scan, at) => (
                  <li key={scan.id}>
                    <Scan scan={scan} isNewest={at === 0} />
                  </li>
                ))}
              </ul>
            )}
          </>
        )}
      </Awaited>
    </section>
  );
}

const STATES = {
  running: '… running',
  clean: '✓ nothing found',
  found: '✕ found',
  failed: '⚠ could not be done',
} as const;

function Scan({ scan, isNewest }: { readonly scan: LeakScan; readonly isNewest: boolean }) {
  const { state, startedAt, files, bytes, tables, rows, canaries, patients, found, findings, leftOut } = scan;
  return (
    <>
      <div className="row">
        <span className="state" data-state={state === 'clean' ? 'up' : state === 'running' ? 'RUNNING' : 'failing'}>
          {STATES[state]}
          {state === 'found' && ` ${found}`}
        </span>
        <span>
          <When at={startedAt} zone="named" />
        </span>
        {state !== 'running' && (
          <span className="soft">
            {COUNT.format(files)} files, {COUNT.format(tables)} tables, {COUNT.format(rows)} rows,{' '}
            {COUNT.format(Math.round(bytes / 1024 / 1024))} MB; for {COUNT.format(patients)} patients and{' '}
            {COUNT.format(canaries)} made-up ones
          </span>
        )}
      </div>
      {findings.length > 0 && (
        <details open={isNewest}>
          <summary>Where</summary>
          <ul className="finds">
            {findings.slice(0, 50).map((finding) => (
              <li key={JSON.stringify(finding)}>
                <Find finding={finding} />
              </li>
            ))}
          </ul>
          {found > 50 && <p className="soft">and {COUNT.format(found - 50)} more</p>}
        </details>
      )}
      {isNewest && leftOut.length > 0 && (
        <details>
          <summary>Not looked at ({leftOut.length})</summary>
          <ul className="finds">
            {leftOut.map((what) => (
              <li key={what}>{what}</li>
            ))}
          </ul>
        </details>
      )}
    </>
  );
}

const WHAT = { canary: 'a made-up patient', name: 'a patient’s name', 'record-number': 'a record number' } as const;

function Find({ finding: { place, what, encoding, offset, row, patientId } }: { readonly finding: LeakFinding }) {
  const near =
    row !== undefined
      ? `from row ${COUNT.format(row)}`
      : offset !== undefined
        ? `before byte ${COUNT.format(offset)}`
        : '';
  return (
    <>
      <code>{place}</code> {near}: {WHAT[what]}
      {patientId !== undefined && ` (${patientId})`}
      {encoding !== 'plain' && `, ${encoding}`}
    </>
  );
}
