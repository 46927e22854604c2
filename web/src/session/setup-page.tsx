import type { Me, Setup, SignInStep } from '@healthsync/contracts/session';
import { Alert, Button, PasswordInput, Stack, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { ApiProblem, api, problemText } from '../api.ts';
import { DoorProblem } from './door-problem.tsx';
import { FirstFactor } from './first-factor.tsx';
import { Brand } from './sign-in.tsx';

/** The first account: `/setup#<code>`. The code stands behind the `#`, so that it reaches no server log. */
export function SetupPage() {
  const [problem, setProblem] = useState<unknown>();
  const [isBusy, setBusy] = useState(false);
  const [mustEnrol, setMustEnrol] = useState(false);
  const code = decodeURIComponent(location.hash.slice(1));

  async function submit(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const text = (name: string) => String(form.get(name) ?? '');
    const body: Setup = {
      code,
      name: text('name').trim().toLowerCase(),
      displayName: text('displayName').trim(),
      password: text('password'),
    };
    setBusy(true);
    setProblem(undefined);
    try {
      const answer = await api<Me | SignInStep>('/api/setup', { method: 'POST', body });
      if ('next' in answer) setMustEnrol(true);
      else location.assign('/');
    } catch (error) {
      setProblem(error);
      setBusy(false);
    }
  }

  const fieldError = (field: string) =>
    problem instanceof ApiProblem ? problem.problem.errors?.find((error) => error.field === field)?.detail : undefined;
  const isNamed = problem instanceof ApiProblem && (problem.problem.errors?.length ?? 0) > 0;

  if (mustEnrol)
    return (
      <main className="door">
        <div className="door-card">
          <Brand />
          <FirstFactor onSignedIn={() => location.assign('/')} />
        </div>
      </main>
    );
  return (
    <main className="door">
      <div className="door-card">
        <Brand />
        <h2 className="door-title">Make the first account</h2>
        {code === '' && <Alert color="yellow">Open this page by the link that was printed at first start.</Alert>}
        <form onSubmit={(event) => void submit(event)}>
          <Stack gap="md">
            <DoorProblem text={problem === undefined || isNamed ? undefined : problemText(problem)} />
            <TextInput
              name="displayName"
              label="Your name"
              description="Stands beside every alarm you acknowledge"
              required
              maxLength={100}
              autoComplete="name"
              error={fieldError('displayName')}
            />
            <TextInput
              name="name"
              label="Name to sign in with"
              required
              maxLength={64}
              autoComplete="username"
              autoCapitalize="none"
              error={fieldError('name')}
            />
            <PasswordInput
              name="password"
              label="Password"
              description="At least 12 characters"
              required
              minLength={12}
              maxLength={256}
              autoComplete="new-password"
              error={fieldError('password')}
            />
            <Button type="submit" size="md" loading={isBusy} disabled={code === ''} fullWidth>
              Make the account
            </Button>
          </Stack>
        </form>
      </div>
    </main>
  );
}
