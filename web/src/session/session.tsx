import type { Me } from '@healthsync/contracts/session';
import { Button } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from 'react';
import { ApiProblem, api, onSessionLost } from '../api.ts';
import { SignInDialog, SignInPage } from './sign-in.tsx';

export interface Session {
  readonly me: Me;
  /** Grows with each sign-in: the same person again is a new session, and needs a new stream. */
  readonly count: number;
  may(action: string): boolean;
  /** The stream or a request said so: ask again, over what is on the page. */
  lose(): void;
  signOut(): Promise<void>;
}

const Context = createContext<Session | undefined>(undefined);

export function useSession(): Session {
  const session = useContext(Context);
  if (session === undefined) throw new Error('outside SessionGate');
  return session;
}

/**
 * Nothing of a patient is asked for before somebody has signed in. A session that ends later does not take the page away:
 * drafts stay, the wall goes on ringing, and a dialog asks to sign in again.
 */
export function SessionGate({ children }: { readonly children: ReactNode }) {
  const queries = useQueryClient();
  const [isLost, setLost] = useState(false);
  const [count, setCount] = useState(1);
  useEffect(() => onSessionLost(() => setLost(true)), []);
  const query = useQuery({ queryKey: ['session'], queryFn: askWhoIAm, staleTime: Number.POSITIVE_INFINITY });
  const me = query.data === 'no-pages' ? undefined : (query.data ?? undefined);

  const session = useMemo<Session | undefined>(
    () =>
      me && {
        me,
        count,
        may: (action) => me.actions.includes(action),
        lose: () => setLost(true),
        async signOut() {
          await api('/api/session', { method: 'DELETE' }).catch(() => {});
          // A fresh page: nothing of this person's patients stays in memory.
          location.assign('/');
        },
      },
    [me, count],
  );

  async function signedIn(next: Me): Promise<void> {
    // Another person at this screen must not find the first one's page behind the dialog.
    if (me !== undefined && me.name !== next.name) return location.assign('/');
    queries.setQueryData(['session'], hasPages(next) ? next : 'no-pages');
    setLost(false);
    setCount(count + 1);
    if (me !== undefined) await queries.invalidateQueries();
  }

  async function leave(): Promise<void> {
    await api('/api/session', { method: 'DELETE' }).catch(() => {});
    queries.setQueryData(['session'], null);
  }

  if (query.isPending) return <p className="page-wait">Connecting…</p>;
  if (query.isError) return <Unreachable retry={() => void query.refetch()} />;
  if (query.data === 'no-pages') return <NoPages onOther={leave} />;
  if (session === undefined) return <SignInPage onSignedIn={signedIn} />;
  return (
    <Context.Provider value={session}>
      {children}
      {isLost && <SignInDialog name={session.me.name} onSignedIn={signedIn} />}
    </Context.Provider>
  );
}

/** `null`: nobody is signed in; `no-pages`: whoever is may not be here. */
async function askWhoIAm(): Promise<Me | 'no-pages' | null> {
  try {
    return await api<Me>('/api/session');
  } catch (error) {
    if (error instanceof ApiProblem && error.problem.status === 401) return null;
    if (error instanceof ApiProblem && error.problem.status === 403) return 'no-pages';
    throw error;
  }
}

/** A system's account opens nothing in a browser: the policies refuse it everything. */
const hasPages = ({ roles }: Me): boolean => !roles.includes('integration');

function NoPages({ onOther }: { readonly onOther: () => Promise<void> }) {
  return (
    <main className="page">
      <div className="refused" role="alert">
        <p>This account has no pages here.</p>
        <p className="soft">It is a system’s, which signs in by its own key and never in a browser.</p>
        <Button onClick={() => void onOther()}>Sign in as somebody else</Button>
      </div>
    </main>
  );
}

/** For the live feed, which cannot see why its connection was refused. Unknown is not signed out. */
export async function isSignedOut(): Promise<boolean> {
  return askWhoIAm().then(
    (me) => me === null,
    () => false,
  );
}

function Unreachable({ retry }: { readonly retry: () => void }) {
  useEffect(() => {
    const timer = setInterval(retry, 3_000);
    return () => clearInterval(timer);
  }, [retry]);
  return (
    <p className="page-wait" role="alert">
      The server does not answer. Trying again…
    </p>
  );
}
