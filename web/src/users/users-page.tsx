import type { ChangeUser, Invitation, User, UserAdded, UserList } from '@healthsync/contracts/user';
import { Button, Menu } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, problemText } from '../api.ts';
import { roleText, searchedFor } from '../session/role-words.ts';
import { useSession } from '../session/session.tsx';
import { useMyStepUp } from '../session/step-up.tsx';
import { useWardName } from '../wall/ward-name.ts';
import { AreYouSure } from '../widgets/are-you-sure.tsx';
import { Awaited } from '../widgets/awaited.tsx';
import { Dialog } from '../widgets/dialog.tsx';
import { ShownOnce } from '../widgets/shown-once.tsx';
import { OwnRecordDialog } from './own-record-dialog.tsx';
import { UserForm } from './user-form.tsx';
import { WardsPanel } from './wards-panel.tsx';

const PARTS = { people: 'People', wards: 'Wards and beds' } as const;
type Part = keyof typeof PARTS;

/** Who may come in, as what, and how they prove it. */
export function UsersPage() {
  const queries = useQueryClient();
  const { may } = useSession();
  const [words, setWords] = useState('');
  const [looked] = useDebouncedValue(words, TYPING_MS);
  const q = searchedFor(looked);
  const list = useQuery({
    queryKey: ['users', { q }],
    queryFn: () => api<UserList>(`/api/users?${new URLSearchParams({ limit: '200', ...(q !== '' && { q }) })}`),
    // What is on the page stays until what was looked for is there.
    placeholderData: keepPreviousData,
  });
  const [edited, setEdited] = useState<User | 'new'>();
  const [invited, setInvited] = useState<{ readonly name: string; readonly link: string }>();
  const [asked, setAsked] = useState<Doubted>();
  const [recordOf, setRecordOf] = useState<User>();
  const [part, setPart] = useState<Part>('people');
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
        {/* biome-ignore lint/a11y/useSemanticElements: a fieldset would bring a frame of its own */}
        <div className="tabs" role="group" aria-label="Which">
          {(Object.keys(PARTS) as Part[]).map((each) => (
            <button key={each} type="button" aria-pressed={each === part} onClick={() => setPart(each)}>
              {PARTS[each]}
            </button>
          ))}
        </div>
        {mayWrite && part === 'people' && (
          <Button className="row-end" onClick={() => setEdited('new')}>
            Invite somebody
          </Button>
        )}
      </div>
      {problem !== undefined && (
        <p role="alert" className="chip-warn">
          ✕ {problem}
        </p>
      )}
      {part === 'wards' ? (
        <WardsPanel />
      ) : (
        <div className="panel table-box">
          <input
            className="search"
            type="search"
            placeholder="Name or role"
            aria-label="Search accounts"
            autoComplete="off"
            maxLength={100}
            value={words}
            onChange={(event) => setWords(event.target.value)}
          />
          <Awaited query={list}>
            {({ users, total }) => (
              <>
                {total > users.length && (
                  <p className="soft">
                    The first {users.length} of {total}: search for the others.
                  </p>
                )}
                {users.length === 0 && <p className="empty">Nobody has that in their name, roles or wards.</p>}
                <table className="table stacking users">
                  <thead>
                    <tr>
                      <th scope="col">Name</th>
                      <th scope="col">Roles</th>
                      <th scope="col">Wards</th>
                      <th scope="col">Signs in with</th>
                      <th scope="col">
                        <span className="unseen">Actions</span>
                      </th>
                    </tr>
                  </thead>
                  <tbody>
                    {users.map((user) => (
                      <UserRow
                        key={user.id}
                        user={user}
                        mayWrite={mayWrite}
                        onEdit={() => setEdited(user)}
                        onEnable={() => void act(() => change(user, { disabled: false }))}
                        onAsk={(what) => setAsked({ user, what })}
                        onRecord={() => setRecordOf(user)}
                        onInvite={() =>
                          void act(async () =>
                            showLink(
                              user.displayName,
                              await send<Invitation>(`/api/users/${user.id}/invitation`, 'POST'),
                            ),
                          )
                        }
                      />
                    ))}
                  </tbody>
                </table>
              </>
            )}
          </Awaited>
        </div>
      )}
      {edited !== undefined && (
        <Dialog title={edited === 'new' ? 'Invite somebody' : edited.displayName} onClose={() => setEdited(undefined)}>
          <UserForm
            roles={list.data?.roles ?? []}
            {...(edited !== 'new' && { user: edited })}
            onAdd={add}
            onChange={change}
            onClose={() => setEdited(undefined)}
          />
        </Dialog>
      )}
      {recordOf !== undefined && <OwnRecordDialog user={recordOf} send={send} onClose={() => setRecordOf(undefined)} />}
      {asked !== undefined && (
        <AreYouSure
          title={DOUBTS[asked.what].title(asked.user.displayName)}
          action={DOUBTS[asked.what].action}
          onClose={() => setAsked(undefined)}
          onSure={() => {
            setAsked(undefined);
            const { user, what } = asked;
            void act(() =>
              what === 'disable'
                ? change(user, { disabled: true })
                : send(`/api/users/${user.id}/${what === 'reset' ? 'reset-factors' : 'end-sessions'}`, 'POST'),
            );
          }}
        >
          {DOUBTS[asked.what].text}
        </AreYouSure>
      )}
      {invited !== undefined && (
        <Dialog title={`A link for ${invited.name}`} onClose={() => setInvited(undefined)}>
          <p className="dialog-lead">
            With it they choose their own password. It works once, within four days; give it to nobody else.
          </p>
          <ShownOnce text={invited.link} label="The link" />
        </Dialog>
      )}
      {dialog}
    </main>
  );
}

const DOUBTS = {
  disable: {
    title: (name: string) => `Lock ${name} out`,
    action: 'Lock them out',
    text: 'They are signed out everywhere, and can sign in again only when the account is let in again.',
  },
  reset: {
    title: (name: string) => `Second factors of ${name}`,
    action: 'Take them away',
    text: 'Whoever knows their password can then come in, and enrol a factor of their own. Be sure that it is they who ask.',
  },
  end: {
    title: (name: string) => `Sign ${name} out everywhere`,
    action: 'Sign them out',
    text: 'All their sessions, keys and apps end now. Scripts that use their keys stop; they can sign in again at once.',
  },
} as const;

interface Doubted {
  readonly user: User;
  readonly what: keyof typeof DOUBTS;
}

/** Short enough not to be waited for, longer than between two letters. */
const TYPING_MS = 200;

function UserRow({
  user,
  mayWrite,
  onEdit,
  onEnable,
  onInvite,
  onAsk,
  onRecord,
}: {
  readonly user: User;
  readonly mayWrite: boolean;
  readonly onEdit: () => void;
  readonly onEnable: () => void;
  readonly onInvite: () => void;
  readonly onAsk: (what: Doubted['what']) => void;
  readonly onRecord: () => void;
}) {
  const wardName = useWardName();
  const isDisabled = user.disabledAt !== undefined;
  return (
    <tr data-disabled={isDisabled || undefined}>
      <td>
        <strong>{user.displayName}</strong>
        <div className="soft">{user.name}</div>
        {user.source !== 'local' && <span className="state">{SOURCE_WORDS[user.source]}</span>}
        {isDisabled && (
          <span className="state" data-effect="forbid">
            locked out
          </span>
        )}
      </td>
      <td data-label="Roles">{user.roles.map(roleText).join(', ') || 'none'}</td>
      <td data-label="Wards">{user.wards.length === 0 ? 'all' : user.wards.map(wardName).join(', ')}</td>
      <td data-label="Signs in with">
        <Proof user={user} />
      </td>
      <td>
        {mayWrite && (
          <div className="user-acts">
            <Button size="compact-md" variant="default" aria-label={`Change ${user.displayName}`} onClick={onEdit}>
              Change
            </Button>
            <Menu position="bottom-end">
              <Menu.Target>
                <Button size="compact-md" variant="default" aria-label={`More for ${user.displayName}`}>
                  More ▾
                </Button>
              </Menu.Target>
              <Menu.Dropdown>
                {!isDisabled && user.source !== 'federated' && (
                  <Menu.Item onClick={onInvite}>New link for a password</Menu.Item>
                )}
                {user.secondFactors.length > 0 && (
                  <Menu.Item onClick={() => onAsk('reset')}>Reset second factors</Menu.Item>
                )}
                <Menu.Item onClick={onRecord}>Own record and address</Menu.Item>
                <Menu.Item onClick={() => onAsk('end')}>Sign out everywhere</Menu.Item>
                {isDisabled ? (
                  <Menu.Item onClick={onEnable}>Let in again</Menu.Item>
                ) : (
                  <Menu.Item onClick={() => onAsk('disable')}>Lock out</Menu.Item>
                )}
              </Menu.Dropdown>
            </Menu>
          </div>
        )}
      </td>
    </tr>
  );
}

const SOURCE_WORDS = { directory: 'from the directory', federated: 'from the other provider' } as const;
const FACTOR_WORDS: Readonly<Record<string, string>> = { totp: 'codes from an app', passkey: 'passkey' };

/** How they prove who they are, and what is missing of it. */
function Proof({ user: { hasPassword, secondFactors, isSecondFactorRequired, source } }: { readonly user: User }) {
  const second = secondFactors.filter((one) => one !== 'recovery');
  return (
    <>
      {source === 'federated' ? 'the other provider' : hasPassword ? 'password' : 'no password yet'}
      <div className="factor-state">
        {second.map((one) => (
          <span key={one} className="fine">
            ✓ {FACTOR_WORDS[one] ?? one}
          </span>
        ))}
        {second.length === 0 && isSecondFactorRequired && <span className="chip-warn">⚠ no second factor yet</span>}
        {second.length === 0 && !isSecondFactorRequired && <span className="soft">no second factor</span>}
      </div>
    </>
  );
}
