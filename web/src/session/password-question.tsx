import { Button, PasswordInput, Stack } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { factorProblem } from './factor-problem.ts';

/** Asks whoever is signed in for their password once more. */
export function PasswordQuestion({ answer }: { readonly answer: (password: string) => Promise<void> }) {
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
