import type { ChangeUser, User } from '@healthsync/contracts/user';
import { Button, Checkbox, Stack, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { ApiProblem, problemText } from '../api.ts';
import { DoorProblem } from '../session/door-problem.tsx';
import { roleText } from '../session/role-words.ts';

/** A new account, or what of one can be changed. */
export function UserForm({
  roles,
  user,
  onAdd,
  onChange,
}: {
  readonly roles: readonly string[];
  readonly user?: User;
  readonly onAdd: (wanted: { name: string; displayName: string; roles: string[]; wards: string[] }) => Promise<void>;
  readonly onChange: (user: User, change: Omit<ChangeUser, 'revision'>) => Promise<void>;
}) {
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
      wards: String(form.get('wards'))
        .split(/[\s,]+/)
        .filter((ward) => ward !== ''),
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
        <TextInput
          name="wards"
          label="Wards"
          description="Their ids, with blanks between; none: the whole house"
          defaultValue={user?.wards.join(' ') ?? ''}
          error={fieldError('wards')}
        />
        <Button type="submit" loading={isBusy}>
          {user === undefined ? 'Make the account' : 'Save'}
        </Button>
      </Stack>
    </form>
  );
}
