import type { Me } from '@healthsync/contracts/session';
import { Alert, Button, PasswordInput, Stack, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { api, problemText } from '../api.ts';
import { Dialog } from '../widgets/dialog.tsx';

type OnSignedIn = (me: Me) => void | Promise<void>;

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

function SignInForm({ name, onSignedIn }: { readonly name?: string; readonly onSignedIn: OnSignedIn }) {
  const [problem, setProblem] = useState<string>();
  const [isBusy, setBusy] = useState(false);

  async function submit(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setBusy(true);
    setProblem(undefined);
    try {
      const body = { name: String(form.get('name')).trim(), password: String(form.get('password')) };
      await onSignedIn(await api<Me>('/api/session', { method: 'POST', body }));
    } catch (error) {
      setProblem(problemText(error));
    } finally {
      setBusy(false);
    }
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
