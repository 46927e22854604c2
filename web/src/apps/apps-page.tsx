import type { Client, ClientList } from '@healthsync/contracts/openid';
import { Button } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { usedText } from '../account/access-words.ts';
import { api, problemText } from '../api.ts';
import { roleText } from '../session/role-words.ts';
import { scopeText } from '../session/scope-words.ts';
import { useSession } from '../session/session.tsx';
import { useMyStepUp } from '../session/step-up.tsx';
import { When } from '../times/when.tsx';
import { useWardName } from '../wall/ward-name.ts';
import { AreYouSure } from '../widgets/are-you-sure.tsx';
import { Awaited } from '../widgets/awaited.tsx';
import { ApiKeys } from './api-keys.tsx';
import { ClientKeysDialog } from './client-keys-dialog.tsx';
import { NewClientDialog } from './new-client-dialog.tsx';

const PARTS = { service: 'Service accounts', app: 'Apps', keys: 'Keys of people' } as const;
type Part = keyof typeof PARTS;

/** What signs in besides people: systems by their keys, apps in the name of people, scripts by keys of their owners. */
export function AppsPage() {
  const { may } = useSession();
  const queries = useQueryClient();
  const { stepUp, dialog } = useMyStepUp();
  const list = useQuery({ queryKey: ['clients'], queryFn: () => api<ClientList>('/api/clients') });
  const [part, setPart] = useState<Part>('service');
  const [making, setMaking] = useState<'app' | 'service'>();
  const [keysOf, setKeysOf] = useState<string>();
  const [ending, setEnding] = useState<Client>();
  const [problem, setProblem] = useState<string>();
  const words = new Map(list.data?.scopes.flatMap(({ scope, words: known }) => (known ? [[scope, known]] : [])));
  const reread = () => queries.invalidateQueries({ queryKey: ['clients'] });
  const shown = list.data?.clients.find(({ id }) => id === keysOf);

  /** Rejects with what the server refused, for the form that asked. */
  async function send(path: string, method: string, body?: unknown): Promise<void> {
    await stepUp(async () => {
      await api(path, { method, body });
    });
    await reread();
  }

  async function end({ id }: Client): Promise<void> {
    setEnding(undefined);
    setProblem(undefined);
    await send(`/api/clients/${encodeURIComponent(id)}`, 'DELETE').catch((error) => setProblem(problemText(error)));
  }

  return (
    <main className="page">
      <div className="row page-head">
        <h1>Apps and keys</h1>
        {/* biome-ignore lint/a11y/useSemanticElements: a fieldset would bring a frame of its own */}
        <div className="tabs" role="group" aria-label="Which">
          {(Object.keys(PARTS) as Part[]).map((each) => (
            <button key={each} type="button" aria-pressed={each === part} onClick={() => setPart(each)}>
              {PARTS[each]}
            </button>
          ))}
        </div>
        {may('user.write') && part !== 'keys' && (
          <Button className="row-end" onClick={() => setMaking(part)}>
            {part === 'app' ? 'Register an app' : 'Make a service account'}
          </Button>
        )}
      </div>
      {problem !== undefined && (
        <p role="alert" className="chip-warn">
          ✕ {problem}
        </p>
      )}
      {part === 'keys' ? (
        <ApiKeys words={words} />
      ) : (
        <Awaited query={list} rows={5}>
          {({ clients }) => (
            <Clients
              clients={clients.filter(({ kind }) => kind === part)}
              kind={part}
              words={words}
              onKeys={({ id }) => setKeysOf(id)}
              onEnd={setEnding}
            />
          )}
        </Awaited>
      )}
      {making !== undefined && (
        <NewClientDialog
          kind={making}
          scopes={list.data?.scopes ?? []}
          roles={list.data?.roles ?? []}
          onClose={() => setMaking(undefined)}
          onAdd={(body) => send('/api/clients', 'POST', body)}
        />
      )}
      {shown !== undefined && (
        <ClientKeysDialog client={shown} send={send} onClose={() => setKeysOf(undefined)} reread={reread} />
      )}
      {ending !== undefined && (
        <AreYouSure
          title={`End ${ending.name}`}
          action="End it for good"
          onClose={() => setEnding(undefined)}
          onSure={() => void end(ending)}
        >
          {ending.kind === 'app'
            ? 'Nobody signs in to it any more, and what it holds opens nothing. It cannot be begun again under this id.'
            : 'It signs in no more, and the tokens it holds open nothing. It cannot be begun again under this id.'}
        </AreYouSure>
      )}
      {dialog}
    </main>
  );
}

function Clients({
  clients,
  kind,
  words,
  onKeys,
  onEnd,
}: {
  readonly clients: readonly Client[];
  readonly kind: 'app' | 'service';
  readonly words: ReadonlyMap<string, string>;
  readonly onKeys: (client: Client) => void;
  readonly onEnd: (client: Client) => void;
}) {
  if (clients.length === 0)
    return (
      <p className="empty">
        {kind === 'app' ? 'No app is registered.' : 'No service account yet: systems sign in by keys of their own.'}
      </p>
    );
  return (
    <div className="panel table-box">
      <table className="table stacking client-table">
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">{kind === 'app' ? 'Takes people back to' : 'Acts as'}</th>
            <th scope="col">At most</th>
            <th scope="col">Used</th>
            <th scope="col">
              <span className="unseen">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {clients.map((client) => (
            <ClientRow
              key={client.id}
              client={client}
              words={words}
              onKeys={() => onKeys(client)}
              onEnd={() => onEnd(client)}
            />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function ClientRow({
  client,
  words,
  onKeys,
  onEnd,
}: {
  readonly client: Client;
  readonly words: ReadonlyMap<string, string>;
  readonly onKeys: () => void;
  readonly onEnd: () => void;
}) {
  const { may } = useSession();
  const wardName = useWardName();
  const { id, kind, name, redirectUris, roles, wards, scopes, keys, disabledAt, lastUsedAt, createdAt, createdBy } =
    client;
  const demands = demandsOf(client);
  return (
    <tr data-ended={disabledAt !== undefined || undefined}>
      <td>
        <strong>{name}</strong>
        <div className="soft">{id}</div>
        {disabledAt !== undefined && (
          <span className="state">
            ended <When at={disabledAt} as="day" />
          </span>
        )}
      </td>
      <td data-label={kind === 'app' ? 'Back to' : 'Acts as'}>
        {kind === 'app' ? (
          redirectUris.map((uri) => <div key={uri}>{uri}</div>)
        ) : (
          <>
            {roles.map(roleText).join(', ')}
            <div className="soft">{wards.length === 0 ? 'every ward' : wards.map(wardName).join(', ')}</div>
          </>
        )}
      </td>
      <td data-label="At most">
        <Scopes scopes={scopes} words={words} />
        {demands.length > 0 && (
          <ul className="soft demands" aria-label="What is demanded of it">
            {demands.map((demand) => (
              <li key={demand}>✓ {demand}</li>
            ))}
          </ul>
        )}
      </td>
      <td data-label="Used">
        {usedText(lastUsedAt)}
        <div className="soft">
          made <When at={createdAt} as="day" /> by {createdBy}
        </div>
      </td>
      <td>
        <div className="user-acts">
          {(kind === 'service' || client.hasKey) && (
            <Button size="compact-md" variant="default" onClick={onKeys}>
              {keys.length === 1 ? '1 key' : `${keys.length} keys`}
              <span className="unseen"> of {name}</span>
            </Button>
          )}
          {may('user.write') && disabledAt === undefined && (
            <Button size="compact-md" variant="default" onClick={onEnd}>
              End<span className="unseen"> {name}</span>
            </Button>
          )}
        </div>
      </td>
    </tr>
  );
}

/** What it must do beyond signing in by its key. */
function demandsOf({ mustProveKey, mustPushRequests }: Client): readonly string[] {
  return [
    ...(mustProveKey === true ? ['tokens bound to its key (DPoP)'] : []),
    ...(mustPushRequests === true ? ['requests past the browser (PAR)'] : []),
  ];
}

/** So many are read at a glance; the others behind a word. */
const SCOPES_SHOWN = 3;

function Scopes({
  scopes,
  words,
}: {
  readonly scopes: readonly string[];
  readonly words: ReadonlyMap<string, string>;
}) {
  if (scopes.length === 0) return <span className="soft">nothing</span>;
  const item = (scope: string) => <li key={scope}>{scopeText(scope, words)}</li>;
  const rest = scopes.slice(SCOPES_SHOWN);
  return (
    <>
      <ul className="scope-words">{scopes.slice(0, SCOPES_SHOWN).map(item)}</ul>
      {rest.length > 0 && (
        <details>
          <summary>and {rest.length} more</summary>
          <ul className="scope-words">{rest.map(item)}</ul>
        </details>
      )}
    </>
  );
}
