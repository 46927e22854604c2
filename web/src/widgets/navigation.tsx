import { Menu } from '@mantine/core';
import { Link, useLocation } from '@tanstack/react-router';
import { mayOpen, PAGES } from '../pages.ts';
import { useSession } from '../session/session.tsx';

/** As many as a bar holds beside the alarm counts. */
const MENU_ABOVE = 6;

/** What is opened in a hurry stands in the bar; the rest waits behind `More`. */
export function Navigation() {
  const { may } = useSession();
  const { pathname } = useLocation();
  const open = PAGES.filter((page) => mayOpen(page, may));
  const more = open.filter((page) => page.isMore === true);
  const here = more.find(({ to }) => pathname === to || pathname.startsWith(`${to}/`));
  // A menu is for what would crowd the bar: a page alone, or an operator's few, stand in it.
  const isMenu = more.length > 1 && open.length > MENU_ABOVE;
  const inBar = isMenu ? open.filter((page) => page.isMore !== true) : open;
  return (
    <nav className="bar-nav" aria-label="Pages">
      {inBar.map(({ to, label }) => (
        <Link key={to} to={to}>
          {label}
        </Link>
      ))}
      {isMenu && (
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
