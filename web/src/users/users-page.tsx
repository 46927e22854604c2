import type { ChangeUser, Invitation, User, UserAdded, UserList } from '@healthsync/contracts/user';
import { Button } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, problemText } from '../api.ts';
import { roleText } from '../session/role-words.ts';
import { useSession } from '../session/session.tsx';
import { useMyStepUp } from '../session/step-up.tsx';
import { Awaited } from '../widgets/awaited.tsx';
import { Dialog } from '../widgets/dialog.tsx';
import { UserForm } from './user-form.tsx';

/** Who may come in, as what, and how they prove it. */
export function UsersPage() {
  const queries = useQueryClient();
  const { may } = useSession();
  const list = useQuery({ queryKey: ['users'], queryFn: () => api<UserList>('/api/users?limit=200') });
  const [edited, setEdited] = useState<User | 'new'>();
  const [invited, setInvited] = useState<{ readonly name: string; readonly link: string }>();
  const [asked, setAsked] = useState<Doubted>();
  const [words, setWords] = useState('');
  const [problem, setProblem] = useState<string>();
  const { stepUp, dialog } = useMyStepUp();
  const mayWrite = may('user.write');

  /** Rejects with what the server refused, for the form that asked. */
  async function send<Answer>(path: string, method: string, body?: unknown): Promise<Answer | undefined> {
    let answer: Answer | undefined;
    await stepUp(async () => {
      answer = await api<Answer>(path, { method, body });
    });
    await queries.invalidateQueries({ queryKey: ['users'] });
    return answer;
  }

  async function act(work: () => Promise<unknown>): Promise<void> {
    setProblem(undefined);
    await work().catch((error: unknown) => setProblem(problemText(error)));
  }

  const showLink = (name: string, invitation: Invitation | undefined) =>
    invitation && setInvited({ name, link: location.origin + invitation.path });

  async function add(wanted: { name: string; displayName: string; roles: string[]; wards: string[] }): Promise<void> {
    const added = await send<UserAdded>('/api/users', 'POST', wanted);
    setEdited(undefined);
    showLink(wanted.displayName, added?.invitation);
  }

  async function change(user: User, wanted: Omit<ChangeUser, 'revision'>): Promise<void> {
    await send<User>(`/api/users/${user.id}`, 'PATCH', { revision: user.revision, ...wanted });
    setEdited(undefined);
  }

  return (
    <main className="page">
      <div className="row page-head">
        <h1>Accounts</h1>
        {mayWrite && <Button onClick={() => setEdited('new')}>Invite somebody</Button>}
      </div>
      {problem !== undefined && (
        <p role="alert" className="chip-warn">
          ✕ {problem}
        </p>
      )}
      <Awaited query={list}>
        {({ users, total }) => (
          <div className="panel table-box">
            <input
              className="search"
              type="search"
              placeholder="Name, role or ward"
              aria-label="Search accounts"
              autoComplete="off"
              value={words}
              onChange={(event) => setWords(event.target.value)}
            />
            {total > users.length && (
              <p className="soft">
                The first {users.length} of {total}; the others with <code>healthsync user list</code>.
              </p>
            )}
            <table className="users">
              <thead>
                <tr>
                  <th>Name</th>
                  <th>Roles</th>
                  <th>Wards</th>
                  <th>Signs in with</th>
                  <th>
                    <span className="unseen">Actions</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {users
                  .filter((user) => matches(user, words))
                  .map((user) => (
                    <UserRow
                      key={user.id}
                      user={user}
                      mayWrite={mayWrite}
                      onEdit={() => setEdited(user)}
                      onDisable={(disabled) =>
                        disabled ? setAsked({ user, what: 'disable' }) : void act(() => change(user, { disabled }))
                      }
                      onInvite={() =>
                        void act(async () =>
                          showLink(
                            user.displayName,
                            await send<Invitation>(`/api/users/${user.id}/invitation`, 'POST'),
                          ),
                        )
                      }
                      onReset={() => setAsked({ user, what: 'reset' })}
                    />
                  ))}
              </tbody>
            </table>
          </div>
        )}
      </Awaited>
      {edited !== undefined && (
        <Dialog title={edited === 'new' ? 'Invite somebody' : edited.displayName} onClose={() => setEdited(undefined)}>
          <UserForm
            roles={list.data?.roles ?? []}
            {...(edited !== 'new' && { user: edited })}
            onAdd={add}
            onChange={change}
          />
        </Dialog>
      )}
      {asked !== undefined && (
        <AreYouSure
          {...asked}
          onClose={() => setAsked(undefined)}
          onSure={() => {
            setAsked(undefined);
            const { user, what } = asked;
            void act(() =>
              what === 'disable'
                ? change(user, { disabled: true })
                : send(`/api/users/${user.id}/reset-factors`, 'POST'),
            );
          }}
        />
      )}
      {invited !== undefined && (
        <Dialog title={`A link for ${invited.name}`} onClose={() => setInvited(undefined)}>
          <p className="dialog-lead">
            With it they choose their own password. It works once, within four days; give it to nobody else.
          </p>
          <p>
            <code className="secret">{invited.link}</code>
          </p>
        </Dialog>
      )}
      {dialog}
    </main>
  );
}

interface Doubted {
  readonly user: User;
  readonly what: 'disable' | 'reset';
}

/** Of what throws somebody out, or makes it easier to come in as them: asked once more, with what it means. */
function AreYouSure({
  user,
  what,
  onClose,
  onSure,
}: Doubted & { readonly onClose: () => void; readonly onSure: () => void }) {
  const isDisable = what === 'disable';
  return (
    <Dialog
      title={isDisable ? `Disable ${user.displayName}` : `Second factors of ${user.displayName}`}
      onClose={onClose}
    >
      <p className="dialog-lead">
        {isDisable
          ? 'They are signed out everywhere, and can sign in again only when the account is enabled.'
          : 'Whoever knows their password can then come in, and enrol a factor of their own. Be sure that it is they who ask.'}
      </p>
      <div className="row dialog-end">
        <Button variant="default" onClick={onClose}>
          Cancel
        </Button>
        <Button onClick={onSure}>{isDisable ? 'Disable the account' : 'Take them away'}</Button>
      </div>
    </Dialog>
  );
}

const matches = ({ name, displayName, roles, wards }: User, words: string): boolean => {
  const text = `${name} ${displayName} ${roles.map(roleText).join(' ')} ${wards.join(' ')}`.toLowerCase();
  return words
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
};

function UserRow({
  user,
  mayWrite,
  onEdit,
  onDisable,
  onInvite,
  onReset,
}: {
  readonly user: User;
  readonly mayWrite: boolean;
  readonly onEdit: () => void;
  readonly onDisable: (disabled: boolean) => void;
  readonly onInvite: () => void;
  readonly onReset: () => void;
}) {
  const isDisabled = user.disabledAt !== undefined;
  return (
    <tr>
      <td>
        {user.displayName}
        <div className="soft">
          {user.name}
          {user.source !== 'local' && ` · from the ${user.source === 'directory' ? 'directory' : 'other provider'}`}
          {isDisabled && ' · disabled'}
        </div>
      </td>
      <td>{user.roles.map(roleText).join(', ') || 'none'}</td>
      <td>{user.wards.length === 0 ? 'all' : user.wards.join(', ')}</td>
      <td>{proofText(user)}</td>
      <td>
        {mayWrite && (
          <div className="row">
            <Button size="xs" variant="default" aria-label={`Change ${user.displayName}`} onClick={onEdit}>
              Change
            </Button>
            {!isDisabled && (
              <Button size="xs" variant="default" aria-label={`New link for ${user.displayName}`} onClick={onInvite}>
                New link
              </Button>
            )}
            {user.secondFactors.length > 0 && (
              <Button size="xs" variant="default" aria-label={`Reset factors of ${user.displayName}`} onClick={onReset}>
                Reset factors
              </Button>
            )}
            <Button
              size="xs"
              variant="default"
              aria-label={`${isDisabled ? 'Enable' : 'Disable'} ${user.displayName}`}
              onClick={() => onDisable(!isDisabled)}
            >
              {isDisabled ? 'Enable' : 'Disable'}
            </Button>
          </div>
        )}
      </td>
    </tr>
  );
}

function proofText({ hasPassword, secondFactors, isSecondFactorRequired, source }: User): string {
  const first = source === 'federated' ? 'the other provider' : hasPassword ? 'password' : 'nothing yet';
  const second = secondFactors.filter((one) => one !== 'recovery').map((one) => (one === 'totp' ? 'codes' : one));
  const missing = isSecondFactorRequired && second.length === 0 ? ['second factor at next sign-in'] : [];
  return [first, ...second, ...missing].join(', ');
}
