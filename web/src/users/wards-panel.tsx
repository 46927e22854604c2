import type { PlannedWard, WardPlan } from '@healthsync/contracts/ward-plan';
import { Button } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, problemText } from '../api.ts';
import { useSession } from '../session/session.tsx';
import { useMyStepUp } from '../session/step-up.tsx';
import { AreYouSure } from '../widgets/are-you-sure.tsx';
import { Awaited } from '../widgets/awaited.tsx';
import { Dialog } from '../widgets/dialog.tsx';
import { isolated } from '../widgets/own-direction.ts';
import { BedsDialog } from './beds-dialog.tsx';
import { WardForm } from './ward-form.tsx';

export type SendPlan = (path: string, method: 'POST' | 'PUT' | 'DELETE', body?: unknown) => Promise<void>;

type Opened =
  | { readonly kind: 'new' }
  | { readonly kind: 'change' | 'remove'; readonly ward: PlannedWard }
  | { readonly kind: 'beds'; readonly wardId: string };

/** The wards people are given and patients lie in, and their beds. */
export function WardsPanel() {
  const { may } = useSession();
  const queries = useQueryClient();
  const { stepUp, dialog } = useMyStepUp();
  const query = useQuery({ queryKey: ['ward-plan'], queryFn: () => api<WardPlan>('/api/ward-plan') });
  const [opened, setOpened] = useState<Opened>();
  const [problem, setProblem] = useState<string>();
  const mayWrite = may('ward.write');
  const close = () => setOpened(undefined);
  const wards = query.data?.wards ?? [];
  const bedsOf = opened?.kind === 'beds' ? wards.find(({ id }) => id === opened.wardId) : undefined;

  /** Rejects with what the server refused, for the form that asked. */
  const send: SendPlan = async (path, method, body) => {
    let refusal: unknown;
    await stepUp(async () => {
      refusal = undefined;
      await api(path, { method, body }).catch((error: unknown) => {
        refusal = error;
        throw error;
      });
    });
    // Asked to show that it is them, they went away: nothing was done, and the form stays.
    if (refusal !== undefined) throw refusal;
    await Promise.all(
      ['ward-plan', 'ward-names', 'wards'].map((name) => queries.invalidateQueries({ queryKey: [name] })),
    );
  };

  async function remove({ id }: PlannedWard): Promise<void> {
    close();
    setProblem(undefined);
    await send(wardPath(id), 'DELETE').catch((error: unknown) => setProblem(problemText(error)));
  }

  return (
    <>
      {problem !== undefined && (
        <p role="alert" className="chip-warn">
          ✕ {problem}
        </p>
      )}
      <Awaited query={query}>
        {({ isWhole }) => (
          <div className="panel table-box">
            <div className="row ward-plan-head">
              <p className="soft">
                {isWhole ? 'People are given wards; alarms and care teams name beds.' : 'The wards you were given.'}
              </p>
              {mayWrite && isWhole && (
                <Button className="row-end" onClick={() => setOpened({ kind: 'new' })}>
                  Make a ward
                </Button>
              )}
            </div>
            {wards.length === 0 ? (
              <p className="empty">No wards yet.</p>
            ) : (
              <table className="table stacking">
                <thead>
                  <tr>
                    <th scope="col">Ward</th>
                    <th scope="col">Department</th>
                    <th scope="col">Beds</th>
                    <th scope="col">
                      <span className="unseen">Actions</span>
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {wards.map((ward) => (
                    <WardRow
                      key={ward.id}
                      ward={ward}
                      mayWrite={mayWrite}
                      mayRemove={mayWrite && isWhole}
                      onOpen={setOpened}
                    />
                  ))}
                </tbody>
              </table>
            )}
          </div>
        )}
      </Awaited>
      {(opened?.kind === 'new' || opened?.kind === 'change') && (
        <Dialog title={opened.kind === 'new' ? 'Make a ward' : isolated(opened.ward.name)} onClose={close}>
          <WardForm {...(opened.kind === 'change' && { ward: opened.ward })} send={send} onClose={close} />
        </Dialog>
      )}
      {bedsOf !== undefined && (
        <BedsDialog ward={bedsOf} wards={wards} mayWrite={mayWrite} send={send} onClose={close} />
      )}
      {opened?.kind === 'remove' && (
        <AreYouSure
          title={`Remove ${isolated(opened.ward.name)}`}
          action="Remove the ward"
          onClose={close}
          onSure={() => void remove(opened.ward)}
        >
          Only a ward that was never in use can go: without beds, given to nobody, and with nothing planned for it.
        </AreYouSure>
      )}
      {dialog}
    </>
  );
}

export const wardPath = (id: string): string => `/api/wards/${encodeURIComponent(id)}`;

function WardRow({
  ward,
  mayWrite,
  mayRemove,
  onOpen,
}: {
  readonly ward: PlannedWard;
  readonly mayWrite: boolean;
  readonly mayRemove: boolean;
  readonly onOpen: (opened: Opened) => void;
}) {
  return (
    <tr>
      <td>
        <strong>{ward.name}</strong>
        <div className="soft">{ward.id}</div>
      </td>
      <td data-label="Department">{ward.departmentId ?? <span className="soft">none</span>}</td>
      <td data-label="Beds">{ward.beds.length}</td>
      <td>
        <div className="user-acts">
          <Button
            size="compact-md"
            variant="default"
            aria-label={`Beds of ${isolated(ward.name)}`}
            onClick={() => onOpen({ kind: 'beds', wardId: ward.id })}
          >
            Beds
          </Button>
          {mayWrite && (
            <Button
              size="compact-md"
              variant="default"
              aria-label={`Change ${isolated(ward.name)}`}
              onClick={() => onOpen({ kind: 'change', ward })}
            >
              Change
            </Button>
          )}
          {mayRemove && ward.beds.length === 0 && (
            <Button
              size="compact-md"
              variant="default"
              aria-label={`Remove ${isolated(ward.name)}`}
              onClick={() => onOpen({ kind: 'remove', ward })}
            >
              Remove
            </Button>
          )}
        </div>
      </td>
    </tr>
  );
}
