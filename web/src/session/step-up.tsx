import type { FactorList, Me, SignInStep } from '@healthsync/contracts/session';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { ApiProblem, api } from '../api.ts';
import { Dialog } from '../widgets/dialog.tsx';
import { NewFactor } from './new-factor.tsx';
import { PasswordQuestion } from './password-question.tsx';
import { FactorQuestion } from './second-factor.tsx';

/**
 * Does what a proof is demanded for: where the server says so, a dialog asks for the second factor (or the password of
 * whoever has none), or leads through adding one where nothing less will do; and the work is done once more.
 */
export function useStepUp(
  mine:
    | { readonly factors: readonly { readonly kind: 'totp' | 'passkey' }[]; readonly recoveryCodesLeft: number }
    | undefined,
): { readonly stepUp: (work: () => Promise<void>) => Promise<void>; readonly dialog: ReactNode } {
  const [asked, setAsked] = useState<Asked>();

  async function stepUp(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      const code = error instanceof ApiProblem ? error.problem.code : undefined;
      if (code !== 'fresh-proof-needed' && code !== 'second-factor-missing') throw error;
      const isGiven = await ask(code === 'second-factor-missing' && methods.length === 0 ? 'new' : 'known');
      if (isGiven) await work();
    }
  }

  async function ask(what: Asked['what']): Promise<boolean> {
    const isGiven = await new Promise<boolean>((resolve) =>
      setAsked({ what, done: () => resolve(true), given: () => resolve(false) }),
    );
    setAsked(undefined);
    return isGiven;
  }

  const send = async (body: unknown) => {
    await api<Me>('/api/session/step-up', { method: 'POST', body });
    asked?.done();
  };
  const kinds = new Set(mine?.factors.map(({ kind }) => kind) ?? []);
  const methods: SignInStep['methods'] = (['passkey', 'totp'] as const).filter((kind) => kinds.has(kind));
  if ((mine?.recoveryCodesLeft ?? 0) > 0 && methods.length > 0) methods.push('recovery');
  if (asked?.what === 'new') return { stepUp, dialog: <NewFactor onDone={asked.done} onClose={asked.given} /> };
  const dialog = asked !== undefined && (
    <Dialog title="Show that it is you" onClose={asked.given}>
      {methods.length > 0 ? (
        <FactorQuestion methods={methods} answer={send} />
      ) : (
        <PasswordQuestion answer={(password) => send({ kind: 'password', password })} />
      )}
    </Dialog>
  );
  return { stepUp, dialog };
}

interface Asked {
  /** `new`: they have no second factor to show. */
  readonly what: 'known' | 'new';
  readonly done: () => void;
  readonly given: () => void;
}

/** The same, where the page has not asked for the person's factors itself. */
export function useMyStepUp(): ReturnType<typeof useStepUp> {
  const mine = useQuery({ queryKey: ['factors'], queryFn: () => api<FactorList>('/api/session/factors'), gcTime: 0 });
  return useStepUp(mine.data);
}
