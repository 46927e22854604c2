import type { ChangePassword as Change, Me, SignInStep } from '@healthsync/contracts/session';
import { Button, PasswordInput } from '@mantine/core';
import { useState } from 'react';
import { ApiProblem, api } from '../api.ts';
import { Dialog } from '../widgets/dialog.tsx';
import { SaveProblem, useSaving } from '../widgets/saving.tsx';
import { SecondFactorForm } from './second-factor.tsx';
import type { useStepUp } from './step-up.tsx';

/** My password: by the one I have. Whoever else was signed in with it is out. */
export function ChangePassword({ stepUp }: { readonly stepUp: ReturnType<typeof useStepUp>['stepUp'] }) {
  const saving = useSaving();
  const [current, setCurrent] = useState('');
  const [wanted, setWanted] = useState('');
  const [isDone, setDone] = useState(false);
  const [step, setStep] = useState<SignInStep>();

  async function change(): Promise<void> {
    setDone(false);
    const body: Change = { current, wanted };
    await saving.run(() =>
      stepUp(async () => {
        const answer = await api<Me | SignInStep>('/api/me/password', { method: 'POST', body }).catch(inWords);
        setCurrent('');
        setWanted('');
        if ('next' in answer) setStep(answer);
        else setDone(true);
      }),
    );
  }

  return (
    <section className="panel panel-narrow" aria-label="Password">
      <h2>Password</h2>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void change();
        }}
      >
        <SaveProblem saving={saving} shown={['wanted', 'current']} />
        <div className="pair">
          <PasswordInput
            label="The one you have"
            required
            autoComplete="current-password"
            maxLength={256}
            value={current}
            error={saving.errorOf('current')}
            onChange={(event) => setCurrent(event.target.value)}
          />
          <PasswordInput
            label="The new one"
            required
            minLength={12}
            maxLength={256}
            autoComplete="new-password"
            value={wanted}
            error={saving.errorOf('wanted')}
            onChange={(event) => setWanted(event.target.value)}
          />
        </div>
        <p className="soft">
          At least 12 characters; a sentence is easier to keep than signs. Your other sessions end.
        </p>
        <div className="row">
          <Button type="submit" loading={saving.isBusy} disabled={current === '' || wanted.length < 12}>
            Change the password
          </Button>
          <span role="status" className="fine">
            {isDone && '✓ Changed. It opens from now on, and nothing else does.'}
          </span>
        </div>
      </form>
      {step !== undefined && (
        <Dialog title="Sign in with the new one" onClose={() => location.assign('/')}>
          <SecondFactorForm
            methods={step.methods}
            onSignedIn={() => {
              setStep(undefined);
              setDone(true);
            }}
            onRestart={() => location.assign('/')}
          />
        </Dialog>
      )}
    </section>
  );
}

/** The one they have was mistyped: at its field, and not as if somebody else had signed in. */
function inWords(error: unknown): never {
  if (!(error instanceof ApiProblem && error.problem.code === 'wrong-credentials')) throw error;
  throw new ApiProblem({
    ...error.problem,
    errors: [{ code: 'invalid-value', field: 'current', detail: 'is not your password' }],
  });
}
