import type { FactorList, RecoveryCodes } from '@healthsync/contracts/session';
import { Button } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { AccountHead } from '../account/account-head.tsx';
import { api } from '../api.ts';
import { timeText } from '../times/time-text.ts';
import { Awaited } from '../widgets/awaited.tsx';
import { Dialog } from '../widgets/dialog.tsx';
import { AddFactor } from './add-factor.tsx';
import { ChangePassword } from './change-password.tsx';
import { factorProblem } from './factor-problem.ts';
import { RecoveryCodeSheet } from './recovery-codes.tsx';
import { useStepUp } from './step-up.tsx';

/** My second factors: which there are, adding and giving up, new recovery codes. */
export function MySignInPage() {
  const queries = useQueryClient();
  const list = useQuery({ queryKey: ['factors'], queryFn: () => api<FactorList>('/api/session/factors'), gcTime: 0 });
  const [isAdding, setAdding] = useState(false);
  const [codes, setCodes] = useState<readonly string[]>();
  const [problem, setProblem] = useState<string>();
  const { stepUp, dialog } = useStepUp(list.data);
  const reread = () => queries.invalidateQueries({ queryKey: ['factors'] });

  /** What is refused for want of a fresh proof is asked for, and tried once more. */
  async function attempt(work: () => Promise<void>): Promise<void> {
    setProblem(undefined);
    try {
      await stepUp(work);
    } catch (error) {
      setProblem(factorProblem(error));
    }
    await reread();
  }

  return (
    <main className="page">
      <AccountHead />
      <section className="panel panel-narrow" aria-label="Second factors">
        <h2>Second factors</h2>
        {problem !== undefined && (
          <p role="alert" className="chip-warn">
            ✕ {problem}
          </p>
        )}
        <Awaited query={list}>
          {({ factors, isRequired, recoveryCodesLeft }) => (
            <>
              <p className="soft">
                {isRequired
                  ? 'Your roles demand one besides the password, at every sign-in.'
                  : 'What is enrolled here is asked for besides the password, at every sign-in.'}
              </p>
              {factors.length === 0 && <p className="chip-warn">⚠ None yet: the password alone opens this account.</p>}
              <ul className="factor-list">
                {factors.map(({ id, kind, label, usedAt }) => (
                  <li key={id}>
                    <span>
                      {label} · {kind === 'totp' ? 'codes from an app' : 'passkey'}
                      <span className="soft">
                        {' '}
                        · {usedAt === undefined ? 'not used yet' : `last used ${timeText(usedAt, 'day')}`}
                      </span>
                    </span>
                    <Button
                      size="xs"
                      variant="default"
                      aria-label={`Give up ${label}`}
                      onClick={() => void attempt(() => api(`/api/session/factors/${id}`, { method: 'DELETE' }))}
                    >
                      Give up
                    </Button>
                  </li>
                ))}
              </ul>
              <div className="row">
                <Button
                  onClick={() =>
                    void attempt(async () => {
                      // Asked here, so that the dialog below never ends in a refusal after the work was done.
                      await api('/api/session/factors/check', { method: 'POST' });
                      setAdding(true);
                    })
                  }
                >
                  Add one
                </Button>
                {factors.length > 0 && (
                  <Button
                    variant="default"
                    onClick={() =>
                      void attempt(async () => {
                        const made = await api<RecoveryCodes>('/api/session/recovery-codes', { method: 'POST' });
                        setCodes(made.recoveryCodes);
                      })
                    }
                  >
                    New recovery codes ({recoveryCodesLeft} left)
                  </Button>
                )}
              </div>
            </>
          )}
        </Awaited>
      </section>
      <ChangePassword stepUp={stepUp} />
      {isAdding && (
        <Dialog title="Add a second factor" onClose={() => setAdding(false)}>
          <AddFactor
            onAdded={({ recoveryCodes }) => {
              setAdding(false);
              setCodes(recoveryCodes);
              void reread();
            }}
          />
        </Dialog>
      )}
      {codes !== undefined && (
        <Dialog title="Recovery codes" onClose={() => setCodes(undefined)} isForced>
          <RecoveryCodeSheet codes={codes} onDone={() => setCodes(undefined)} />
        </Dialog>
      )}
      {dialog}
    </main>
  );
}
