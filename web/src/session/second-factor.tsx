import type { Me, SignInStep } from '@healthsync/contracts/session';
import { Button, Stack, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { api } from '../api.ts';
import { useSaving } from '../widgets/saving.tsx';
import { DoorProblem } from './door-problem.tsx';
import { factorProblem } from './factor-problem.ts';
import { askPasskey, hasPasskeys } from './passkey.ts';
import type { OnSignedIn } from './sign-in.tsx';

export type Method = SignInStep['methods'][number];
export type Answer =
  | { readonly kind: 'totp' | 'recovery'; readonly code: string }
  | { readonly kind: 'passkey'; readonly ticket: string; readonly response: unknown };

/** After the password: the second factor. */
export function SecondFactorForm({
  methods,
  onSignedIn,
  onRestart,
}: {
  readonly methods: readonly Method[];
  readonly onSignedIn: OnSignedIn;
  readonly onRestart: () => void;
}) {
  return (
    <>
      <h2 className="door-title">One thing more</h2>
      <FactorQuestion
        methods={methods}
        answer={async (body) => onSignedIn(await api<Me>('/api/session/second-factor', { method: 'POST', body }))}
      />
      <Button variant="subtle" fullWidth mt="sm" onClick={onRestart}>
        Back
      </Button>
    </>
  );
}

/** Asks for one of these, the strongest that this browser can do first. */
export function FactorQuestion({
  methods,
  answer,
}: {
  readonly methods: readonly Method[];
  readonly answer: (answer: Answer) => Promise<unknown>;
}) {
  const possible = methods.filter((method) => method !== 'passkey' || hasPasskeys());
  const [method, setMethod] = useState<Method>(possible[0] ?? 'totp');
  const saving = useSaving();
  const problem = saving.problem === undefined ? undefined : factorProblem(saving.problem);

  const send = (make: () => Promise<Answer>) => saving.run(async () => answer(await make()));

  function submit(event: FormEvent<HTMLFormElement>): void {
    event.preventDefault();
    const code = String(new FormData(event.currentTarget).get('code')).trim();
    if (method === 'passkey') void send(async () => ({ kind: 'passkey', ...(await askPasskey()) }));
    else void send(async () => ({ kind: method, code: method === 'totp' ? code.replace(/\s/g, '') : code }));
  }

  return (
    <form onSubmit={submit} key={method}>
      <Stack gap="md">
        <DoorProblem text={problem} />
        {method === 'totp' && (
          <TextInput
            name="code"
            label="Code from your app"
            description="Six digits; a new one every half minute"
            size="md"
            inputMode="numeric"
            autoComplete="one-time-code"
            pattern="[0-9 ]{6,7}"
            required
            autoFocus
          />
        )}
        {method === 'recovery' && (
          <TextInput
            name="code"
            label="Recovery code"
            description="One of those you were given; each is good once"
            size="md"
            autoComplete="off"
            autoCapitalize="none"
            required
            minLength={16}
            maxLength={40}
            autoFocus
          />
        )}
        <Button type="submit" size="md" loading={saving.isBusy} fullWidth autoFocus={method === 'passkey'}>
          {method === 'passkey' ? 'Use your passkey' : 'Go on'}
        </Button>
        {possible
          .filter((other) => other !== method)
          .map((other) => (
            <Button key={other} variant="default" size="sm" fullWidth onClick={() => setMethod(other)}>
              {OTHER[other]}
            </Button>
          ))}
      </Stack>
    </form>
  );
}

const OTHER: Readonly<Record<Method, string>> = {
  passkey: 'Use a passkey instead',
  totp: 'Use a code from your app instead',
  recovery: 'Use a recovery code instead',
};
