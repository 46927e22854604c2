import { Menu } from '@mantine/core';
import { Link, useLocation } from '@tanstack/react-router';
import { mayOpen, PAGES } from '../pages.ts';
import { useSession } from '../session/session.tsx';

/** What is opened in a hurry stands in the bar; the rest waits behind `More`. */
export function Navigation() {
  const { may } = useSession();
  const { pathname } = useLocation();
  const open = PAGES.filter((page) => mayOpen(page, may));
  const more = open.filter((page) => page.isMore === true);
  const here = more.find(({ to }) => pathname === to || pathname.startsWith(`${to}/`));
  // One page alone behind a menu would only hide it.
  const inBar = more.length === 1 ? open : open.filter((page) => page.isMore !== true);
  return (
    <nav className="bar-nav" aria-label="Pages">
      {inBar.map(({ to, label }) => (
        <Link key={to} to={to}>
          {label}
        </Link>
      ))}
      {more.length > 1 && (
        <Menu position="bottom-start">
          <Menu.Target>
            <button type="button" className="bar-more" data-here={here !== undefined || undefined}>
              {here?.label ?? 'More'} <span aria-hidden="true">▾</span>
            </button>
          </Menu.Target>
          <Menu.Dropdown>
            {more.map(({ to, label, key }) => (
              <Menu.Item key={to} component={Link} to={to} rightSection={<kbd>G {key.toUpperCase()}</kbd>}>
                {label}
              </Menu.Item>
            ))}
          </Menu.Dropdown>
        </Menu>
      )}
    </nav>
  );
}
