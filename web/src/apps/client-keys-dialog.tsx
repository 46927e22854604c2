import type { Client } from '@healthsync/contracts/openid';
import { Button } from '@mantine/core';
import { useState } from 'react';
import { useSession } from '../session/session.tsx';
import { Dialog } from '../widgets/dialog.tsx';
import { SaveProblem, useSaving } from '../widgets/saving.tsx';
import { KeyField } from './key-field.tsx';
import { readPublicKeys } from './public-key.ts';

/** The public keys of a system. Changed without a gap: the next is added, the system moves, the old one goes. */
export function ClientKeysDialog({
  client,
  send,
  reread,
  onClose,
}: {
  readonly client: Client;
  readonly send: (path: string, method: string, body?: unknown) => Promise<void>;
  readonly reread: () => unknown;
  readonly onClose: () => void;
}) {
  const { may } = useSession();
  const saving = useSaving();
  const [text, setText] = useState('');
  const [refused, setRefused] = useState<string>();
  const path = `/api/clients/${encodeURIComponent(client.id)}/keys`;
  const mayChange = may('user.write') && client.disabledAt === undefined;

  async function add(): Promise<void> {
    const read = await readPublicKeys(text);
    const [key, ...more] = read.kind === 'keys' ? read.keys : [];
    if (key === undefined || more.length > 0)
      return setRefused(read.kind === 'refused' ? read.why : 'One key at a time.');
    if (await saving.run(() => send(path, 'POST', { key }))) setText('');
  }

  return (
    <Dialog title={`Keys of ${client.name}`} onClose={onClose} size="lg">
      <div className="stack">
        <p className="dialog-lead">
          To change the key without a gap: add the next one, let the system move to it, take the old one away.
        </p>
        <SaveProblem saving={saving} shown={['key']} reload={reread} />
        <ul className="access-list">
          {client.keys.map(({ kid, kty, alg, thumbprint }) => (
            <li key={kid}>
              <div>
                <strong>{kid}</strong>{' '}
                <span className="soft">
                  {kty}
                  {alg !== undefined && ` · ${alg}`}
                </span>
                <div className="key-print">SHA-256 {thumbprint}</div>
              </div>
              {mayChange && client.keys.length > 1 && (
                <button
                  type="button"
                  className="plain-button"
                  disabled={saving.isBusy}
                  onClick={() => void saving.run(() => send(`${path}/${encodeURIComponent(kid)}`, 'DELETE'))}
                >
                  Take away<span className="unseen"> {kid}</span>
                </button>
              )}
            </li>
          ))}
        </ul>
        {mayChange && (
          <form
            className="stack"
            onSubmit={(event) => {
              event.preventDefault();
              void add();
            }}
          >
            <KeyField
              value={text}
              isRequired
              error={refused ?? saving.errorOf('key')}
              onChange={(value) => {
                setText(value);
                setRefused(undefined);
              }}
            />
            <div className="row dialog-end">
              <Button variant="default" onClick={onClose}>
                Close
              </Button>
              <Button type="submit" loading={saving.isBusy} disabled={text.trim() === ''}>
                Add the key
              </Button>
            </div>
          </form>
        )}
      </div>
    </Dialog>
  );
}
