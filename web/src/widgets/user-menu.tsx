import { Menu, Switch } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { roleText } from '../session/role-words.ts';
import { useSession } from '../session/session.tsx';
import { changeSettings, useSettings } from '../settings.ts';
import { openHelp } from './help-dialog.tsx';
import { isolated } from './own-direction.ts';

/** Who is signed in, how this screen behaves, and the way out. */
export function UserMenu() {
  const { me, signOut } = useSession();
  const settings = useSettings();
  return (
    <Menu position="bottom-end" withinPortal keepMounted={false} closeOnItemClick={false}>
      <Menu.Target>
        <button type="button" className="user">
          <span aria-hidden="true">{initials(me.displayName)}</span>
          <span className="unseen">Menu of {me.displayName}</span>
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          {isolated(me.displayName)} · {me.roles.map(roleText).join(', ')}
        </Menu.Label>
        <Menu.Item
          onClick={() => changeSettings({ night: !settings.night })}
          rightSection={<Switch size="xs" checked={settings.night} readOnly tabIndex={-1} aria-hidden="true" />}
        >
          Night {settings.night ? 'on' : 'off'}
        </Menu.Item>
        <Menu.Item
          onClick={() => changeSettings({ keys: !settings.keys })}
          rightSection={<Switch size="xs" checked={settings.keys} readOnly tabIndex={-1} aria-hidden="true" />}
        >
          Single-key shortcuts {settings.keys ? 'on' : 'off'}
        </Menu.Item>
        <Menu.Item onClick={openHelp} closeMenuOnClick>
          Keys and signs
        </Menu.Item>
        <Menu.Item component={Link} to="/me" closeMenuOnClick>
          My account
        </Menu.Item>
        <Menu.Divider />
        <Menu.Item onClick={() => void signOut()}>Sign out</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

function initials(name: string): string {
  const words = name.split(/\s+/).filter((word) => word !== '');
  return `${words[0]?.[0] ?? ''}${words.length > 1 ? (words.at(-1)?.[0] ?? '') : ''}`.toUpperCase();
}
