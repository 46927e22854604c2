import type { ChangeUser, User } from '@healthsync/contracts/user';
import { Checkbox, MultiSelect, Stack, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { ApiProblem, problemText } from '../api.ts';
import { DoorProblem } from '../session/door-problem.tsx';
import { roleText } from '../session/role-words.ts';
import { useSession } from '../session/session.tsx';
import { useWardName, useWardNames } from '../wall/ward-name.ts';
import { DialogEnd } from '../widgets/dialog-end.tsx';

/** A new account, or what of one can be changed. */
export function UserForm({
  roles,
  user,
  onAdd,
  onChange,
  onClose,
}: {
  readonly roles: readonly string[];
  readonly user?: User;
  readonly onAdd: (wanted: { name: string; displayName: string; roles: string[]; wards: string[] }) => Promise<void>;
  readonly onChange: (user: User, change: Omit<ChangeUser, 'revision'>) => Promise<void>;
  readonly onClose: () => void;
}) {
  const wardNames = useWardNames();
  // Whoever has wards gives these and no others.
  const { wards: own = [] } = useSession().me;
  const [wards, setWards] = useState<string[]>([...(user?.wards ?? own)]);
  const [problem, setProblem] = useState<unknown>();
  const [isBusy, setBusy] = useState(false);
  const fieldError = (field: string) =>
    problem instanceof ApiProblem
      ? problem.problem.errors?.find((error) => error.field.split('.')[0] === field)?.detail
      : undefined;
  const isNamed = problem instanceof ApiProblem && (problem.problem.errors?.length ?? 0) > 0;

  async function submit(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const wanted = {
      displayName: String(form.get('displayName')).trim(),
      roles: form.getAll('roles').map(String),
      wards,
    };
    setBusy(true);
    setProblem(undefined);
    try {
      if (user === undefined) await onAdd({ name: String(form.get('name')).trim(), ...wanted });
      else await onChange(user, wanted);
    } catch (error) {
      setProblem(error);
      setBusy(false);
    }
  }

  if (user !== undefined && user.source !== 'local') return <ManagedElsewhere user={user} />;
  return (
    <form onSubmit={(event) => void submit(event)}>
      <Stack gap="md">
        <DoorProblem text={problem === undefined || isNamed ? undefined : problemText(problem)} />
        {user === undefined && (
          <TextInput
            name="name"
            label="Name to sign in with"
            required
            maxLength={64}
            autoCapitalize="none"
            autoComplete="off"
            data-autofocus
            error={fieldError('name')}
          />
        )}
        <TextInput
          name="displayName"
          label="Name others see"
          required
          maxLength={100}
          autoComplete="off"
          defaultValue={user?.displayName ?? ''}
          error={fieldError('displayName')}
        />
        <fieldset className="plain">
          <legend>Roles</legend>
          {roles.map((role) => (
            <Checkbox
              key={role}
              name="roles"
              value={role}
              label={roleText(role)}
              defaultChecked={user?.roles.includes(role) ?? false}
            />
          ))}
          {fieldError('roles') !== undefined && <p role="alert">{fieldError('roles')}</p>}
        </fieldset>
        <MultiSelect
          label="Wards"
          description={own.length === 0 ? 'None chosen: the whole house' : 'Of yours, one at least'}
          placeholder={wards.length === 0 && own.length === 0 ? 'Every ward' : ''}
          searchable
          // A ward that is no longer there stays chosen until somebody takes it away.
          data={wardChoices(
            (wardNames.data?.wards ?? []).filter(({ id }) => own.length === 0 || own.includes(id)),
            wards,
          )}
          value={wards}
          onChange={setWards}
          error={fieldError('wards')}
        />
        <DialogEnd onCancel={onClose} isBusy={isBusy}>
          {user === undefined ? 'Make the account' : 'Save'}
        </DialogEnd>
      </Stack>
    </form>
  );
}

/** Of whom another system looks after: what it says, and where it is changed. */
function ManagedElsewhere({ user }: { readonly user: User }) {
  const wardName = useWardName();
  const where = user.source === 'directory' ? 'The hospital’s directory' : 'The hospital’s own sign-in';
  return (
    <>
      <p className="dialog-lead">
        {where} looks after this account: name, roles and wards are changed there, and follow here by themselves.
        Locking out and second factors are looked after here, under More.
      </p>
      <dl className="facts">
        <div>
          <dt>Signs in as</dt>
          <dd>{user.name}</dd>
        </div>
        <div>
          <dt>Roles</dt>
          <dd>{user.roles.map(roleText).join(', ') || 'none'}</dd>
        </div>
        <div>
          <dt>Wards</dt>
          <dd>{user.wards.length === 0 ? 'every ward' : user.wards.map(wardName).join(', ')}</dd>
        </div>
      </dl>
    </>
  );
}

function wardChoices(known: readonly { readonly id: string; readonly name: string }[], chosen: readonly string[]) {
  const gone = chosen.filter((ward) => !known.some(({ id }) => id === ward));
  return [
    ...known.map(({ id, name }) => ({ value: id, label: name })),
    ...gone.map((id) => ({ value: id, label: id })),
  ];
}
