import type { ApiKeyMade, KeyScopes, NewApiKey } from '@healthsync/contracts/user';
import { Button, Checkbox, Select, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api.ts';
import { useMyStepUp } from '../session/step-up.tsx';
import { When } from '../times/when.tsx';
import { Awaited } from '../widgets/awaited.tsx';
import { Dialog } from '../widgets/dialog.tsx';
import { DialogEnd } from '../widgets/dialog-end.tsx';
import { SaveProblem, useSaving } from '../widgets/saving.tsx';
import { ShownOnce } from '../widgets/shown-once.tsx';

const DAYS = [
  { value: '7', label: 'a week' },
  { value: '30', label: '30 days' },
  { value: '90', label: '90 days' },
  { value: '366', label: 'a year' },
];

/** A key for a script: for what, as little as it needs, for how long. Shown once. */
export function NewKeyDialog({ onClose, onMade }: { readonly onClose: () => void; readonly onMade: () => unknown }) {
  const saving = useSaving();
  const { stepUp, dialog } = useMyStepUp();
  const choices = useQuery({ queryKey: ['key-scopes'], queryFn: () => api<KeyScopes>('/api/me/key-scopes') });
  const [label, setLabel] = useState('');
  const [days, setDays] = useState('30');
  const [scopes, setScopes] = useState<string[]>([]);
  const [made, setMade] = useState<ApiKeyMade>();

  async function make(): Promise<void> {
    const body: NewApiKey = { label: label.trim(), scopes, days: Number(days) };
    await saving.run(() =>
      stepUp(async () => {
        setMade(await api<ApiKeyMade>('/api/me/keys', { method: 'POST', body }));
        await onMade();
      }),
    );
  }

  if (made !== undefined)
    return (
      <Dialog title={`The key ${label.trim()}`} onClose={onClose} isForced>
        <div className="stack">
          <p className="dialog-lead">
            It is shown this once; only its fingerprint is kept. It holds until <When at={made.expiresAt} as="day" />.
            Put it where the script reads its secrets, and into no mail.
          </p>
          <ShownOnce text={made.token} label="The key" />
          <div className="row dialog-end">
            <Button onClick={onClose}>I have put it away</Button>
          </div>
        </div>
      </Dialog>
    );
  return (
    <>
      <Dialog title="Make a key" onClose={onClose} size="lg">
        <form
          className="stack"
          onSubmit={(event) => {
            event.preventDefault();
            void make();
          }}
        >
          <SaveProblem saving={saving} shown={['label', 'scopes', 'days']} />
          <div className="pair">
            <TextInput
              label="What it is for"
              placeholder="Nightly export"
              required
              maxLength={64}
              autoComplete="off"
              data-autofocus
              value={label}
              error={saving.errorOf('label')}
              onChange={(event) => setLabel(event.target.value)}
            />
            <Select
              label="Holds for"
              data={DAYS}
              allowDeselect={false}
              value={days}
              error={saving.errorOf('days')}
              onChange={(value) => setDays(value ?? '30')}
            />
          </div>
          <Awaited query={choices} rows={4}>
            {({ scopes: all }) => (
              <fieldset className="scope-choice">
                <legend>What it may do, at most what you may</legend>
                {all.map(({ scope, words }) => (
                  <Checkbox
                    key={scope}
                    label={words}
                    checked={scopes.includes(scope)}
                    onChange={({ target }) =>
                      setScopes(target.checked ? [...scopes, scope] : scopes.filter((one) => one !== scope))
                    }
                  />
                ))}
              </fieldset>
            )}
          </Awaited>
          <DialogEnd
            onCancel={onClose}
            isBusy={saving.isBusy}
            isIncomplete={label.trim() === '' || scopes.length === 0}
          >
            Make the key
          </DialogEnd>
        </form>
      </Dialog>
      {dialog}
    </>
  );
}
