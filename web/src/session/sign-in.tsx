import type { Me, SignInStep, SignInWays } from '@healthsync/contracts/session';
import { Button, PasswordInput, Stack, TextInput } from '@mantine/core';
import { type FormEvent, useEffect, useState } from 'react';
import { api, problemText } from '../api.ts';
import { Dialog } from '../widgets/dialog.tsx';
import { DoorProblem } from './door-problem.tsx';
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
  const [back] = useState(cameBack);
  // From another provider, which has vouched for somebody who owes a second factor here.
  useEffect(() => {
    if (back === 'second-factor' || back === 'enrol')
      api<SignInStep>('/api/session/pending').then(
        ({ next, methods }) => setStep({ kind: next, methods }),
        () => {},
      );
  }, [back]);
  const restart = () => setStep({ kind: 'password' });
  switch (step.kind) {
    case 'password':
      return (
        <PasswordForm
          {...(name !== undefined && { name })}
          {...(back !== undefined && BACK_WITH[back] !== undefined && { refusal: BACK_WITH[back] })}
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

/** `#sign-in=…`: with what the other provider's answer ended here. Taken off the address, so that it is said once. */
function cameBack(): string | undefined {
  const what = /^#sign-in=([a-z-]+)$/.exec(location.hash)?.[1];
  if (what !== undefined) history.replaceState(null, '', location.pathname);
  return what;
}

const BACK_WITH: Readonly<Record<string, string>> = {
  refused: 'Signing in through the other provider did not work. Try again.',
  'nobody-here': 'The other provider knows you, but none of your groups means anything here. Ask whoever administers.',
  'name-taken': 'An account of this house bears your name already. Ask whoever administers.',
};

function PasswordForm({
  name,
  refusal,
  onSignedIn,
  onStep,
}: {
  readonly name?: string;
  readonly refusal?: string;
  readonly onSignedIn: OnSignedIn;
  readonly onStep: (step: SignInStep) => void;
}) {
  const [problem, setProblem] = useState(refusal);
  const [isBusy, setBusy] = useState(false);
  const [hasOutside, setHasOutside] = useState(false);
  useEffect(() => {
    // Nobody is signed in yet, and whether there is another way is all that is asked: no answer is none.
    fetch('/api/session/ways')
      .then(async (response) => response.ok && setHasOutside(((await response.json()) as SignInWays).outside))
      .catch(() => {});
  }, []);

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
        <DoorProblem text={problem} />
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
        {hasOutside && (
          <Button component="a" href="/api/session/outside" variant="default" size="md" fullWidth>
            Through the hospital’s own sign-in
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
