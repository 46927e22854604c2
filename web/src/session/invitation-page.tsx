import type { Me, SignInStep } from '@healthsync/contracts/session';
import { Alert, Button, PasswordInput, Stack } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { api, problemText } from '../api.ts';
import { useSaving } from '../widgets/saving.tsx';
import { DoorProblem } from './door-problem.tsx';
import { FirstFactor } from './first-factor.tsx';
import { SecondFactorForm } from './second-factor.tsx';
import { Brand } from './sign-in.tsx';

/** One's own password, by an invitation: `/invitation#<code>`, behind the `#`, so that it reaches no server log. */
export function InvitationPage() {
  const saving = useSaving();
  const problem = saving.problem === undefined ? undefined : problemText(saving.problem);
  const [step, setStep] = useState<SignInStep>();
  const code = decodeURIComponent(location.hash.slice(1));
  const toWall = () => location.assign('/');

  async function submit(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    const password = String(new FormData(event.currentTarget).get('password'));
    await saving.run(async () => {
      const body = { code, password };
      const answer = await api<Me | SignInStep>('/api/invitations/accept', { method: 'POST', body });
      if ('next' in answer) setStep(answer);
      else toWall();
    });
  }

  return (
    <main className="door">
      <div className="door-card">
        <Brand />
        {step?.next === 'enrol' && <FirstFactor onSignedIn={toWall} />}
        {step?.next === 'second-factor' && (
          <SecondFactorForm methods={step.methods} onSignedIn={toWall} onRestart={toWall} />
        )}
        {step === undefined && (
          <>
            <h2 className="door-title">Choose your password</h2>
            {code === '' && <Alert color="yellow">Open this page by the link you were given.</Alert>}
            <form onSubmit={(event) => void submit(event)}>
              <Stack gap="md">
                <DoorProblem text={problem} />
                <PasswordInput
                  name="password"
                  label="Password"
                  description="At least 12 characters; nobody else will know it"
                  required
                  minLength={12}
                  maxLength={256}
                  autoComplete="new-password"
                />
                <Button type="submit" size="md" loading={saving.isBusy} disabled={code === ''} fullWidth>
                  Set the password
                </Button>
              </Stack>
            </form>
          </>
        )}
      </div>
    </main>
  );
}
