import type { FactorList, Me, SignInStep } from '@healthsync/contracts/session';
import { Button, PasswordInput, Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type FormEvent, type ReactNode, useState } from 'react';
import { ApiProblem, api } from '../api.ts';
import { Dialog } from '../widgets/dialog.tsx';
import { factorProblem } from './factor-problem.ts';
import { FactorQuestion } from './second-factor.tsx';

/**
 * Does what a fresh proof is demanded for: where the server says so, a dialog asks for the second factor (or the
 * password of whoever has none), and the work is done once more.
 */
export function useStepUp(
  mine:
    | { readonly factors: readonly { readonly kind: 'totp' | 'passkey' }[]; readonly recoveryCodesLeft: number }
    | undefined,
): { readonly stepUp: (work: () => Promise<void>) => Promise<void>; readonly dialog: ReactNode } {
  const [asked, setAsked] = useState<{ readonly done: () => void; readonly given: () => void }>();

  async function stepUp(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof ApiProblem && error.problem.code === 'fresh-proof-needed')) throw error;
      const isProven = await new Promise<boolean>((resolve) =>
        setAsked({ done: () => resolve(true), given: () => resolve(false) }),
      );
      setAsked(undefined);
      if (isProven) await work();
    }
  }

  const send = async (body: unknown) => {
    await api<Me>('/api/session/step-up', { method: 'POST', body });
    asked?.done();
  };
  const kinds = new Set(mine?.factors.map(({ kind }) => kind) ?? []);
  const methods: SignInStep['methods'] = (['passkey', 'totp'] as const).filter((kind) => kinds.has(kind));
  if ((mine?.recoveryCodesLeft ?? 0) > 0 && methods.length > 0) methods.push('recovery');
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

/** The same, where the page has not asked for the person's factors itself. */
export function useMyStepUp(): ReturnType<typeof useStepUp> {
  const mine = useQuery({ queryKey: ['factors'], queryFn: () => api<FactorList>('/api/session/factors'), gcTime: 0 });
  return useStepUp(mine.data);
}

function PasswordQuestion({ answer }: { readonly answer: (password: string) => Promise<void> }) {
  const [problem, setProblem] = useState<string>();

  function submit(event: FormEvent<HTMLFormElement>): void {
    event.preventDefault();
    setProblem(undefined);
    const password = String(new FormData(event.currentTarget).get('password'));
    answer(password).catch((error: unknown) => setProblem(factorProblem(error)));
  }

  return (
    <form onSubmit={submit}>
      <Stack gap="md">
        <PasswordInput
          name="password"
          label="Your password"
          autoComplete="current-password"
          required
          data-autofocus
          {...(problem !== undefined && { error: problem })}
        />
        <Button type="submit">Go on</Button>
      </Stack>
    </form>
  );
}
