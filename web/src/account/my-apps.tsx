import type { AppsLetIn } from '@healthsync/contracts/openid';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, problemText } from '../api.ts';
import { scopeText } from '../session/scope-words.ts';
import { evidenceText } from '../times/time-text.ts';
import { Awaited } from '../widgets/awaited.tsx';
import { usedText } from './access-words.ts';

type App = AppsLetIn['apps'][number];

/** The apps I have let act for me: what each may, since when, and its end. */
export function MyApps() {
  const queries = useQueryClient();
  const query = useQuery({ queryKey: ['my-apps'], queryFn: () => api<AppsLetIn>('/api/me/apps'), gcTime: 0 });
  const [problem, setProblem] = useState<string>();

  async function end({ id }: App): Promise<void> {
    setProblem(undefined);
    await api(`/api/me/apps/${encodeURIComponent(id)}`, { method: 'DELETE' }).catch((error: unknown) =>
      setProblem(problemText(error)),
    );
    await queries.invalidateQueries({ queryKey: ['my-apps'] });
  }

  return (
    <section className="panel" aria-label="Apps I have let in">
      <h2>Apps I have let in</h2>
      {problem !== undefined && (
        <p role="alert" className="chip-warn">
          ✕ {problem}
        </p>
      )}
      <Awaited query={query} rows={2}>
        {({ apps }) =>
          apps.length === 0 ? (
            <p className="soft">None. An app asks you before it may act for you.</p>
          ) : (
            <ul className="access-list">
              {apps.map((app) => (
                <li key={app.id}>
                  <AppText app={app} />
                  <button type="button" className="plain-button" onClick={() => void end(app)}>
                    End
                    <span className="unseen">
                      {' '}
                      {app.client}, let in {evidenceText(app.letInAt)}
                    </span>
                  </button>
                </li>
              ))}
            </ul>
          )
        }
      </Awaited>
    </section>
  );
}

function AppText({ app }: { readonly app: App }) {
  const words = new Map(Object.entries(app.words));
  return (
    <div>
      <strong>{app.client}</strong>
      <div>
        {app.scopes.map((scope) => scopeText(scope, words)).join('; ')}
        {app.patientId !== undefined && ` · for patient ${app.patientId}`}
      </div>
      <div className="soft">
        let in {evidenceText(app.letInAt)} · {usedText(app.lastUsedAt)} · ends by {evidenceText(app.endsAt)}
      </div>
    </div>
  );
}
