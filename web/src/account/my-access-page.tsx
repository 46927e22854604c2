import type { AccessList, KeyScopes } from '@healthsync/contracts/user';
import { Button } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, problemText } from '../api.ts';
import { useSession } from '../session/session.tsx';
import { evidenceText } from '../times/time-text.ts';
import { When } from '../times/when.tsx';
import { Awaited } from '../widgets/awaited.tsx';
import { expiryText, factorsText, scopesText, usedText } from './access-words.ts';
import { AccountHead } from './account-head.tsx';
import { MyApps } from './my-apps.tsx';
import { NewKeyDialog } from './new-key-dialog.tsx';

type Access = AccessList['open'][number];

/** Where I am signed in, the keys of my scripts, and the apps I have let in: seen, and ended. */
export function MyAccessPage() {
  const queries = useQueryClient();
  const query = useQuery({ queryKey: ['my-access'], queryFn: () => api<AccessList>('/api/me/access'), gcTime: 0 });
  const choices = useQuery({ queryKey: ['key-scopes'], queryFn: () => api<KeyScopes>('/api/me/key-scopes') });
  const words = new Map(choices.data?.scopes.map((one) => [one.scope, one.words]));
  const { may } = useSession();
  const [isMaking, setMaking] = useState(false);
  const [problem, setProblem] = useState<string>();
  const reread = () => queries.invalidateQueries({ queryKey: ['my-access'] });

  async function end(which: readonly Access[]): Promise<void> {
    setProblem(undefined);
    try {
      for (const { id } of which) await api(`/api/me/access/${encodeURIComponent(id)}`, { method: 'DELETE' });
    } catch (error) {
      setProblem(problemText(error));
    }
    await reread();
  }

  return (
    <main className="page">
      <AccountHead />
      {problem !== undefined && (
        <p role="alert" className="chip-warn">
          ✕ {problem}
        </p>
      )}
      <div className="me-columns">
        <section className="panel" aria-label="Where I am signed in">
          <h2>Where I am signed in</h2>
          <Awaited query={query} rows={2}>
            {({ open }) => <Sessions sessions={open.filter(({ kind }) => kind === 'session')} end={end} />}
          </Awaited>
        </section>
        <section className="panel" aria-label="Keys for scripts">
          <h2>Keys for scripts</h2>
          <Awaited query={query} rows={2}>
            {({ open }) => <Keys keys={open.filter(({ kind }) => kind === 'api')} words={words} end={end} />}
          </Awaited>
          {may('own.reach') && <Button onClick={() => setMaking(true)}>Make a key</Button>}
        </section>
        <MyApps />
      </div>
      {isMaking && <NewKeyDialog onClose={() => setMaking(false)} onMade={reread} />}
    </main>
  );
}

function Sessions({
  sessions,
  end,
}: {
  readonly sessions: readonly Access[];
  readonly end: (which: readonly Access[]) => Promise<void>;
}) {
  const others = sessions.filter(({ isThis }) => !isThis);
  return (
    <>
      <ul className="access-list">
        {sessions.map((session) => (
          <li key={session.id}>
            <div>
              <strong>{session.isThis ? 'This browser' : `Signed in ${evidenceText(session.createdAt)}`}</strong>
              <div className="soft">
                {session.isThis && `signed in ${evidenceText(session.createdAt)} · `}
                {factorsText(session.factors)} · {usedText(session.lastUsedAt ?? session.createdAt)} · ends by{' '}
                <When at={session.expiresAt} zone="named" />
              </div>
            </div>
            {session.isThis ? (
              <span className="state" data-effect="permit">
                here
              </span>
            ) : (
              <button type="button" className="plain-button" onClick={() => void end([session])}>
                End
                <span className="unseen">
                  {' '}
                  the session of <When at={session.createdAt} zone="named" />
                </span>
              </button>
            )}
          </li>
        ))}
      </ul>
      {others.length === 0 ? (
        <p className="soft">Nowhere else.</p>
      ) : (
        <Button variant="default" onClick={() => void end(others)}>
          End all others ({others.length})
        </Button>
      )}
    </>
  );
}

function Keys({
  keys,
  words,
  end,
}: {
  readonly keys: readonly Access[];
  readonly words: ReadonlyMap<string, string>;
  readonly end: (which: readonly Access[]) => Promise<void>;
}) {
  if (keys.length === 0) return <p className="soft">None. A script signs in with a key, never with a password.</p>;
  return (
    <ul className="access-list">
      {keys.map((key) => (
        <li key={key.id}>
          <div>
            <strong>{key.label ?? 'Without a name'}</strong>
            <div>{scopesText(key.scopes, words)}</div>
            <div className="soft">
              {usedText(key.lastUsedAt)} · {expiryText(key.expiresAt, Date.now())}
            </div>
          </div>
          <button type="button" className="plain-button" onClick={() => void end([key])}>
            End<span className="unseen"> the key {key.label}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}
