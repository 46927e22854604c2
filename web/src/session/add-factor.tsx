import type { FactorAdded, TotpEnrolment } from '@healthsync/contracts/session';
import { Button, Stack, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { api } from '../api.ts';
import { useSaving } from '../widgets/saving.tsx';
import { DoorProblem } from './door-problem.tsx';
import { factorProblem } from './factor-problem.ts';
import { hasPasskeys, makePasskey } from './passkey.ts';
import { QrCode } from './qr-code.tsx';

/** Makes a passkey, or sets up an app for codes. */
export function AddFactor({ onAdded }: { readonly onAdded: (added: FactorAdded) => void | Promise<void> }) {
  const [totp, setTotp] = useState<TotpEnrolment>();
  const saving = useSaving();
  const problem = saving.problem === undefined ? undefined : factorProblem(saving.problem);

  function confirm(event: FormEvent<HTMLFormElement>): void {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const code = String(form.get('code')).replace(/\s/g, '');
    const label = String(form.get('label')).trim();
    const body = { ticket: totp?.ticket, code, label };
    void saving.run(async () =>
      onAdded(await api<FactorAdded>('/api/session/factors/totp/confirm', { method: 'POST', body })),
    );
  }

  const begin = () => saving.run(async () => setTotp(await api('/api/session/factors/totp', { method: 'POST' })));

  return (
    <Stack gap="md" mt="md">
      <DoorProblem text={problem} />
      {totp === undefined ? (
        <>
          {hasPasskeys() && (
            <Button
              size="md"
              loading={saving.isBusy}
              onClick={() => void saving.run(async () => onAdded(await makePasskey(thisDevice())))}
            >
              Make a passkey
            </Button>
          )}
          <Button
            size="md"
            variant={hasPasskeys() ? 'default' : 'filled'}
            disabled={saving.isBusy}
            onClick={() => void begin()}
          >
            Use codes from an app
          </Button>
        </>
      ) : (
        <form onSubmit={confirm}>
          <Stack gap="md">
            <QrCode text={totp.uri} label="Code to scan with your authenticator app" />
            <p className="door-note">
              Scan it with your authenticator app, or type <code className="secret">{inGroups(totp.secret)}</code>
            </p>
            <TextInput name="label" label="What you will know it by" defaultValue="Phone" required maxLength={64} />
            <TextInput
              name="code"
              label="The code the app shows now"
              inputMode="numeric"
              autoComplete="one-time-code"
              pattern="[0-9 ]{6,7}"
              required
              autoFocus
            />
            <Button type="submit" size="md" loading={saving.isBusy} fullWidth>
              Confirm
            </Button>
          </Stack>
        </form>
      )}
    </Stack>
  );
}

const inGroups = (secret: string): string => secret.match(/.{1,4}/g)?.join(' ') ?? secret;

/** What the person will know the passkey by, until they know better. */
function thisDevice(): string {
  const system = /Windows|Android|iPhone|iPad|Mac OS X|Linux/.exec(navigator.userAgent)?.[0] ?? 'Browser';
  return `Passkey (${system === 'Mac OS X' ? 'Mac' : system})`;
}
