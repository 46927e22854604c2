import type { FactorAdded, Me } from '@healthsync/contracts/session';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { ApiProblem, api } from '../api.ts';
import { Awaited } from '../widgets/awaited.tsx';
import { Dialog } from '../widgets/dialog.tsx';
import { AddFactor } from './add-factor.tsx';
import { PasswordQuestion } from './password-question.tsx';
import { RecoveryCodeSheet } from './recovery-codes.tsx';

/** For whoever needs a second factor in the middle of something and has none: the password again, a factor, its codes. */
export function NewFactor({ onDone, onClose }: { readonly onDone: () => void; readonly onClose: () => void }) {
  const queries = useQueryClient();
  const [codes, setCodes] = useState<readonly string[]>();
  const mayAdd = useQuery({ queryKey: ['factors', 'may-add'], queryFn: isProven, gcTime: 0 });

  async function added({ recoveryCodes }: FactorAdded): Promise<void> {
    await queries.invalidateQueries({ queryKey: ['factors'], exact: true });
    if (recoveryCodes === undefined) onDone();
    else setCodes(recoveryCodes);
  }

  if (codes !== undefined)
    return (
      <Dialog title="Recovery codes" onClose={onDone} isForced>
        <RecoveryCodeSheet codes={codes} onDone={onDone} />
      </Dialog>
    );
  return (
    <Dialog title="This asks for a second factor" onClose={onClose}>
      <p className="dialog-lead">
        You have none yet. Add one now: a passkey on this device or a key, or codes from an app on your phone. What you
        were doing goes on after it, and the factor is asked for at every sign-in from now on.
      </p>
      <Awaited query={mayAdd}>
        {(isProvenNow) =>
          isProvenNow ? (
            <AddFactor onAdded={added} />
          ) : (
            <PasswordQuestion
              answer={async (password) => {
                await api<Me>('/api/session/step-up', { method: 'POST', body: { kind: 'password', password } });
                await mayAdd.refetch();
              }}
            />
          )
        }
      </Awaited>
    </Dialog>
  );
}

/** Whether who asks has just shown that it is them; else the password comes first. */
async function isProven(): Promise<boolean> {
  try {
    await api('/api/session/factors/check', { method: 'POST' });
    return true;
  } catch (error) {
    if (error instanceof ApiProblem && error.problem.code === 'fresh-proof-needed') return false;
    throw error;
  }
}
