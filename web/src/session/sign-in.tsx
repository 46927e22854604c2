import type { Me, SignInStep } from '@healthsync/contracts/session';
import { Alert, Button, PasswordInput, Stack, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { api, problemText } from '../api.ts';
import { Dialog } from '../widgets/dialog.tsx';
import { FirstFactor } from './first-factor.tsx';
import { hasPasskeys, signInWithPasskey } from './passkey.ts';
import { type Method, SecondFactorForm } from './second-factor.tsx';

export type OnSignedIn = (me: Me) => void | Promise<void>;

export function SignInPage({ onSignedIn }: { readonly onSignedIn: OnSignedIn }) {
  return (
    <main className="door">
      <div className="door-card">
        <Brand />
        <SignInForm onSignedIn={onSignedIn} />
        <p className="door-note">
          For monitoring by trained staff. Not a certified medical device; never the only means of watching a patient.
        </p>
      </div>
    </main>
  );
}

/** Over the page, which goes on showing and ringing behind it. */
export function SignInDialog({ name, onSignedIn }: { readonly name: string; readonly onSignedIn: OnSignedIn }) {
  return (
    <Dialog onClose={() => {}} isForced title="Your session has ended">
      <p className="dialog-lead">Sign in again to go on. Nothing you have typed is lost.</p>
      <SignInForm name={name} onSignedIn={onSignedIn} />
    </Dialog>
  );
}

/** What has been shown so far: nothing, the password, or the password of somebody who must enrol a second factor. */
type Step =
  | { readonly kind: 'password' }
  | { readonly kind: 'second-factor' | 'enrol'; readonly methods: readonly Method[] };

function SignInForm({ name, onSignedIn }: { readonly name?: string; readonly onSignedIn: OnSignedIn }) {
  const [step, setStep] = useState<Step>({ kind: 'password' });
  const restart = () => setStep({ kind: 'password' });
  switch (step.kind) {
    case 'password':
      return (
        <PasswordForm
          {...(name !== undefined && { name })}
          onSignedIn={onSignedIn}
          onStep={({ next, methods }) => setStep({ kind: next, methods })}
        />
      );
    case 'second-factor':
      return <SecondFactorForm methods={step.methods} onSignedIn={onSignedIn} onRestart={restart} />;
    case 'enrol':
      return <FirstFactor onSignedIn={onSignedIn} />;
    default:
      return step satisfies never;
  }
}

function PasswordForm({
  name,
  onSignedIn,
  onStep,
}: {
  readonly name?: string;
  readonly onSignedIn: OnSignedIn;
  readonly onStep: (step: SignInStep) => void;
}) {
  const [problem, setProblem] = useState<string>();
  const [isBusy, setBusy] = useState(false);

  async function attempt(work: () => Promise<void>): Promise<void> {
    setBusy(true);
    setProblem(undefined);
    try {
      await work();
    } catch (error) {
      setProblem(problemText(error));
    } finally {
      setBusy(false);
    }
  }

  async function submit(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const body = { name: String(form.get('name')).trim(), password: String(form.get('password')) };
    await attempt(async () => {
      const answer = await api<Me | SignInStep>('/api/session', { method: 'POST', body });
      if ('next' in answer) onStep(answer);
      else await onSignedIn(answer);
    });
  }

  return (
    <form onSubmit={(event) => void submit(event)}>
      <Stack gap="md">
        {problem !== undefined && (
          <Alert color="red" variant="filled" role="alert">
            {problem}
          </Alert>
        )}
        <TextInput
          name="name"
          label="Name"
          size="md"
          autoComplete="username"
          autoCapitalize="none"
          required
          maxLength={64}
          data-autofocus={name === undefined ? true : undefined}
          autoFocus={name === undefined}
          {...(name !== undefined && { defaultValue: name })}
        />
        <PasswordInput
          name="password"
          label="Password"
          size="md"
          autoComplete="current-password"
          required
          maxLength={256}
          data-autofocus={name === undefined ? undefined : true}
        />
        <Button type="submit" size="md" loading={isBusy} fullWidth>
          Sign in
        </Button>
        {hasPasskeys() && (
          <Button
            variant="default"
            size="md"
            fullWidth
            disabled={isBusy}
            onClick={() => void attempt(async () => onSignedIn(await signInWithPasskey()))}
          >
            Use a passkey
          </Button>
        )}
      </Stack>
    </form>
  );
}

export function Brand() {
  return (
    <h1 className="brand brand-large">
      <img src="/icon.svg" alt="" width="36" height="36" /> HealthSync
    </h1>
  );
}
