import type { ApiKeyList } from '@healthsync/contracts/user';
import { Button } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { expiryText, scopesText, usedText } from '../account/access-words.ts';
import { api, problemText } from '../api.ts';
import { useSession } from '../session/session.tsx';
import { useMyStepUp } from '../session/step-up.tsx';
import { When } from '../times/when.tsx';
import { AreYouSure } from '../widgets/are-you-sure.tsx';
import { Awaited } from '../widgets/awaited.tsx';
import { isolated } from '../widgets/own-direction.ts';

type Key = ApiKeyList['keys'][number];

/** Every key of a person that still opens something. Its owner makes it; whoever manages accounts can end it. */
export function ApiKeys({ words }: { readonly words: ReadonlyMap<string, string> }) {
  const { may } = useSession();
  const queries = useQueryClient();
  const { stepUp, dialog } = useMyStepUp();
  const query = useQuery({ queryKey: ['api-keys'], queryFn: () => api<ApiKeyList>('/api/api-keys'), gcTime: 0 });
  const [ending, setEnding] = useState<Key>();
  const [problem, setProblem] = useState<string>();

  async function end({ id }: Key): Promise<void> {
    setEnding(undefined);
    setProblem(undefined);
    await stepUp(() => api(`/api/api-keys/${encodeURIComponent(id)}`, { method: 'DELETE' })).catch((error: unknown) =>
      setProblem(problemText(error)),
    );
    await queries.invalidateQueries({ queryKey: ['api-keys'] });
  }

  return (
    <>
      {problem !== undefined && (
        <p role="alert" className="chip-warn">
          ✕ {problem}
        </p>
      )}
      <Awaited query={query} rows={5}>
        {({ keys }) =>
          keys.length === 0 ? (
            <p className="empty">Nobody has a key. They are made under My account.</p>
          ) : (
            <div className="panel table-box">
              <table className="table stacking client-table">
                <thead>
                  <tr>
                    <th scope="col">Whose</th>
                    <th scope="col">What for</th>
                    <th scope="col">May</th>
                    <th scope="col">Used</th>
                    <th scope="col">Holds</th>
                    <th scope="col">
                      <span className="unseen">Actions</span>
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {keys.map((key) => (
                    <tr key={key.id}>
                      <td>
                        <strong>{key.owner.displayName}</strong>
                        <div className="soft">{key.owner.name}</div>
                      </td>
                      <td data-label="What for">{key.label ?? <span className="soft">without a name</span>}</td>
                      <td data-label="May">{scopesText(key.scopes, words)}</td>
                      <td data-label="Used">
                        {usedText(key.lastUsedAt)}
                        <div className="soft">
                          made <When at={key.createdAt} as="day" />
                        </div>
                      </td>
                      <td data-label="Holds">{expiryText(key.expiresAt, Date.now())}</td>
                      <td>
                        {may('user.write') && (
                          <Button
                            size="compact-md"
                            variant="default"
                            aria-label={`End the key ${key.label ?? key.id} of ${isolated(key.owner.displayName)}`}
                            onClick={() => setEnding(key)}
                          >
                            End
                          </Button>
                        )}
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          )
        }
      </Awaited>
      {ending !== undefined && (
        <AreYouSure
          title={`End a key of ${isolated(ending.owner.displayName)}`}
          action="End the key"
          onClose={() => setEnding(undefined)}
          onSure={() => void end(ending)}
        >
          What signs in with {ending.label === undefined ? 'it' : `“${ending.label}”`} is refused from now on. Its owner
          can make another.
        </AreYouSure>
      )}
      {dialog}
    </>
  );
}
