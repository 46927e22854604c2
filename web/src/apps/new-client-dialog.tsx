import type { ClientList, NewClient } from '@healthsync/contracts/openid';
import { Checkbox, MultiSelect, TagsInput, TextInput } from '@mantine/core';
import { useState } from 'react';
import { roleText } from '../session/role-words.ts';
import { scopeText } from '../session/scope-words.ts';
import { useWardNames } from '../wall/ward-name.ts';
import { Dialog } from '../widgets/dialog.tsx';
import { DialogEnd } from '../widgets/dialog-end.tsx';
import { SaveProblem, useSaving } from '../widgets/saving.tsx';
import { KeyField } from './key-field.tsx';
import { readPublicKeys } from './public-key.ts';

const FIELDS = ['id', 'name', 'redirectUris', 'jwks', 'scopes', 'roles', 'wards', 'mustProveKey', 'mustPushRequests'];

/** An app people sign in to, or a system that signs in by its key: what it is called, and the most it may ask for. */
export function NewClientDialog({
  kind,
  scopes: all,
  roles: allRoles,
  onAdd,
  onClose,
}: {
  readonly kind: 'app' | 'service';
  readonly scopes: ClientList['scopes'];
  readonly roles: ClientList['roles'];
  readonly onAdd: (wanted: NewClient) => Promise<void>;
  readonly onClose: () => void;
}) {
  const saving = useSaving();
  const wardNames = useWardNames();
  const [name, setName] = useState('');
  const [id, setId] = useState<string>();
  const [redirects, setRedirects] = useState<string[]>([]);
  const [key, setKey] = useState('');
  const [refused, setRefused] = useState<string>();
  const [scopes, setScopes] = useState<string[]>([]);
  const [roles, setRoles] = useState<string[]>([]);
  const [wards, setWards] = useState<string[]>([]);
  const [mustProveKey, setMustProveKey] = useState(false);
  const [mustPushRequests, setMustPushRequests] = useState(false);
  const isService = kind === 'service';
  const wantedId = id ?? idOf(name);

  async function save(): Promise<void> {
    const read = key.trim() === '' ? undefined : await readPublicKeys(key);
    if (read?.kind === 'refused') return setRefused(read.why);
    const body: NewClient = {
      id: wantedId,
      kind,
      name: name.trim(),
      scopes,
      ...(read !== undefined && { jwks: { keys: read.keys as unknown as NonNullable<NewClient['jwks']>['keys'] } }),
      ...(isService ? { roles, wards } : { redirectUris: redirects, ...(mustPushRequests && { mustPushRequests }) }),
      ...(mustProveKey && { mustProveKey }),
    };
    if (await saving.run(() => onAdd(body))) onClose();
  }

  const words = new Map(all.flatMap(({ scope, words: known }) => (known ? [[scope, known]] : [])));
  return (
    <Dialog title={isService ? 'Make a service account' : 'Register an app'} onClose={onClose} size="lg">
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        <SaveProblem saving={saving} shown={FIELDS} />
        <div className="pair">
          <TextInput
            label="Name"
            description={isService ? 'As the audit shows it' : 'As people are asked about it'}
            required
            maxLength={100}
            autoComplete="off"
            data-autofocus
            value={name}
            error={saving.errorOf('name')}
            onChange={(event) => setName(event.target.value)}
          />
          <TextInput
            label="Client id"
            description="What it calls itself; cannot be changed"
            required
            maxLength={60}
            autoComplete="off"
            value={wantedId}
            error={saving.errorOf('id')}
            onChange={(event) => setId(event.target.value)}
          />
        </div>
        {isService ? (
          <>
            <fieldset className="plain">
              <legend>Acts as</legend>
              {allRoles.map((role) => (
                <Checkbox
                  key={role}
                  label={roleText(role)}
                  checked={roles.includes(role)}
                  onChange={({ target }) =>
                    setRoles(target.checked ? [...roles, role] : roles.filter((one) => one !== role))
                  }
                />
              ))}
              {saving.errorOf('roles') !== undefined && (
                <p role="alert" className="chip-warn">
                  {saving.errorOf('roles')}
                </p>
              )}
            </fieldset>
            <MultiSelect
              label="Wards"
              description="None chosen: every ward"
              searchable
              data={(wardNames.data?.wards ?? []).map((ward) => ({ value: ward.id, label: ward.name }))}
              value={wards}
              error={saving.errorOf('wards')}
              onChange={setWards}
            />
          </>
        ) : (
          <TagsInput
            label="Takes people back to"
            description="Exact addresses, https; Enter after each"
            required
            maxTags={10}
            value={redirects}
            error={saving.errorOf('redirectUris')}
            onChange={setRedirects}
          />
        )}
        <TagsInput
          label="At most it may ask for"
          description="Chosen, or typed as FHIR scopes: system/Consent.rs"
          maxTags={50}
          data={all.map(({ scope }) => scope)}
          renderOption={({ option }) => <ScopeOption scope={option.value} words={words} />}
          value={scopes}
          error={saving.errorOf('scopes')}
          onChange={setScopes}
        />
        <KeyField
          value={key}
          isRequired={isService}
          error={refused ?? saving.errorOf('jwks')}
          onChange={(text) => {
            setKey(text);
            setRefused(undefined);
          }}
        />
        <fieldset className="plain one-column">
          <legend>Demanded of it</legend>
          <Checkbox
            label="Every token bound to a key it proves to hold (DPoP)"
            description="A token that is stolen opens nothing. Whoever made it says whether it can."
            checked={mustProveKey}
            error={saving.errorOf('mustProveKey')}
            onChange={({ target }) => setMustProveKey(target.checked)}
          />
          {!isService && (
            <Checkbox
              label="Requests to sign in go past the browser (PAR)"
              description="Nobody can alter them on the way."
              checked={mustPushRequests}
              error={saving.errorOf('mustPushRequests')}
              onChange={({ target }) => setMustPushRequests(target.checked)}
            />
          )}
        </fieldset>
        <DialogEnd
          onCancel={onClose}
          isBusy={saving.isBusy}
          isIncomplete={name.trim() === '' || (isService && key.trim() === '')}
        >
          {isService ? 'Make the account' : 'Register it'}
        </DialogEnd>
      </form>
    </Dialog>
  );
}

function ScopeOption({ scope, words }: { readonly scope: string; readonly words: ReadonlyMap<string, string> }) {
  const text = scopeText(scope, words);
  return (
    <span>
      {scope}
      {text !== scope && <span className="soft"> · {text}</span>}
    </span>
  );
}

/** `Lab feed (night)` is `lab-feed-night`, until somebody types another. */
const idOf = (name: string): string =>
  name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 60);
