import { Menu } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { Link, useLocation } from '@tanstack/react-router';
import { BAR_MAX, barOf, MORE_HEADS, type PageLink, pageAt } from '../pages.ts';
import { useSession } from '../session/session.tsx';

/** What is opened in a hurry stands in the bar; the rest waits behind `More`, by what it is about. */
export function Navigation() {
  const { may } = useSession();
  const { pathname } = useLocation();
  const isPhone = useMediaQuery('(max-width: 700px)', false, { getInitialValueInEffect: false });
  const { bar, more } = barOf(may, isPhone ? BAR_MAX.phone : BAR_MAX.wide);
  const here = more.find((page) => page === pageAt(pathname)?.page);
  return (
    <nav className="bar-nav" aria-label="Pages">
      {bar.map(({ to, label }) => (
        <Link key={to} to={to}>
          {label}
        </Link>
      ))}
      {more.length > 0 && (
        <Menu position="bottom-start">
          <Menu.Target>
            <button type="button" className="bar-more" data-here={here !== undefined || undefined}>
              {/* In a hand there is no room for where one is beside what calls; the page says it itself. */}
              {isPhone ? 'More' : (here?.label ?? 'More')} <span aria-hidden="true">▾</span>
            </button>
          </Menu.Target>
          <Menu.Dropdown>
            {MORE_HEADS.map((head) => (
              <Group key={head} head={head} pages={more.filter((page) => (page.more ?? 'Ward') === head)} />
            ))}
          </Menu.Dropdown>
        </Menu>
      )}
    </nav>
  );
}

function Group({ head, pages }: { readonly head: string; readonly pages: readonly PageLink[] }) {
  if (pages.length === 0) return null;
  return (
    <>
      <Menu.Label>{head}</Menu.Label>
      {pages.map(({ to, label, key }) => (
        <Menu.Item key={to} component={Link} to={to} rightSection={<kbd>G {key.toUpperCase()}</kbd>}>
          {label}
        </Menu.Item>
      ))}
    </>
  );
}
