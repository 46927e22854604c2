import type { LinkProps } from '@tanstack/react-router';

/** Every page of the bar: where it is, what key after `g` goes there, and what one must be allowed to see it. */
export interface PageLink {
  readonly to: NonNullable<LinkProps['to']>;
  readonly label: string;
  /** With `g` before it. */
  readonly key: string;
  /** One of these is enough. */
  readonly needs: readonly string[];
  /**
   * What it asks the server for; of one thing, with its id behind it. Asked also for whoever may not open it: the server
   * refuses, and writes down who tried. Absent: whoever comes by its address is let in, or led on.
   */
  readonly door?: string;
  /** Its other addresses. */
  readonly parts?: readonly string[];
  /** Behind `More`, under this head: not what one opens in a hurry beside a ward. */
  readonly more?: MoreHead;
}

export const MORE_HEADS = ['Ward', 'Access', 'Installation', 'Mine'] as const;
type MoreHead = (typeof MORE_HEADS)[number];

export const PAGES: readonly PageLink[] = [
  { to: '/wall', label: 'Wall', key: 'w', needs: ['wall.watch'] },
  { to: '/alarms', label: 'Worklist', key: 'a', needs: ['vitals.read'], door: '/api/alerts' },
  { to: '/patients', label: 'Patients', key: 'p', needs: ['patient.read'], door: '/api/patients' },
  { to: '/rota', label: 'Rota', key: 'r', needs: ['rota.read'], door: '/api/rotas' },
  { to: '/teams', label: 'Care teams', key: 't', needs: ['rota.read'], door: '/api/rotas', more: 'Ward' },
  {
    to: '/approvals',
    label: 'Approvals',
    key: 'v',
    needs: ['limits.write', 'rules.write'],
    door: '/api/rule-proposals',
    more: 'Ward',
  },
  { to: '/rules', label: 'Ward rules', key: 'l', needs: ['rules.read'], door: '/api/house/rules', more: 'Ward' },
  {
    to: '/me',
    label: 'My account',
    key: 'm',
    // Everybody but the screen on the corridor, which has it in its menu.
    needs: ['alarm.acknowledge', 'operations.read', 'device.read', 'user.read', 'audit.read', 'rules.read'],
    parts: ['/my-sign-in', '/my-access'],
    more: 'Mine',
  },
  {
    to: '/channels',
    label: 'Channels',
    key: 'c',
    needs: ['operations.read'],
    door: '/api/channels',
    more: 'Installation',
  },
  {
    to: '/executions',
    label: 'Escalation runs',
    key: 'x',
    needs: ['operations.read'],
    door: '/api/workflows/executions',
    more: 'Installation',
  },
  {
    to: '/devices',
    label: 'Devices',
    key: 'd',
    needs: ['device.read', 'rejected.read'],
    door: '/api/devices',
    more: 'Installation',
  },
  { to: '/users', label: 'Accounts', key: 'u', needs: ['user.read'], door: '/api/users', more: 'Access' },
  { to: '/apps', label: 'Apps and keys', key: 'n', needs: ['user.read'], door: '/api/clients', more: 'Access' },
  {
    to: '/emergencies',
    label: 'Emergency access',
    key: 'b',
    needs: ['break-glass.review'],
    door: '/api/break-glass',
    more: 'Access',
  },
  { to: '/consents', label: 'Consent', key: 'o', needs: ['consent.read'], door: '/api/consents', more: 'Access' },
  {
    to: '/why',
    label: 'Why can they see?',
    key: 'y',
    needs: ['access.explain'],
    door: '/api/access/policies',
    more: 'Access',
  },
  {
    to: '/security',
    label: 'Security',
    key: 's',
    needs: ['security-alert.read'],
    door: '/api/security-alerts',
    more: 'Access',
  },
  { to: '/audit', label: 'Audit', key: 'i', needs: ['audit.read'], door: '/api/audit', more: 'Access' },
  { to: '/keys', label: 'Keys', key: 'k', needs: ['key.read'], door: '/api/keys', more: 'Access' },
  {
    to: '/status',
    label: 'Health',
    key: 'h',
    needs: ['operations.read', 'system-alarm.acknowledge'],
    door: '/api/channels',
    more: 'Installation',
  },
];

/** What stands in the bar of whoever watches no ward, as far as there is room: what their work is comes first. */
const BAR_OF_OTHERS: readonly string[] = [
  '/emergencies',
  '/security',
  '/users',
  '/audit',
  '/consents',
  '/why',
  '/devices',
  '/status',
  '/apps',
  '/rota',
];
/** As many as a bar holds: on a tablet, and in a hand, where so many letters stand beside the way out. */
export const BAR_MAX = { wide: 6, phone: 2 } as const;
const PHONE_LETTERS_MAX = 18;

/** The bar and what waits behind `More`. Beside a ward's alarm counts there is room for what is opened in a hurry alone. */
export function barOf(
  may: (action: string) => boolean,
  max: number = BAR_MAX.wide,
): { readonly bar: PageLink[]; readonly more: PageLink[] } {
  const open = PAGES.filter((page) => mayOpen(page, may));
  if (may('wall.watch')) {
    if (open.length <= max) return { bar: open, more: [] };
    return { bar: open.filter(({ more }) => more === undefined), more: open.filter(({ more }) => more !== undefined) };
  }
  // What is not spoken of comes last.
  const rank = ({ to }: PageLink) => (BAR_OF_OTHERS.includes(to) ? BAR_OF_OTHERS.indexOf(to) : BAR_OF_OTHERS.length);
  if (open.length <= max) return { bar: open.toSorted((a, b) => rank(a) - rank(b)), more: [] };
  const bar = open
    .filter(({ to }) => BAR_OF_OTHERS.includes(to))
    .sort((a, b) => rank(a) - rank(b))
    .slice(0, max);
  const letters = () => bar.reduce((sum, { label }) => sum + label.length, 0);
  while (max === BAR_MAX.phone && bar.length > 1 && letters() > PHONE_LETTERS_MAX) bar.pop();
  return { bar, more: open.filter((page) => !bar.includes(page)) };
}

/** Where somebody begins: with what their work is, not with what happens to come first in the bar. */
const FIRST: readonly (readonly [needs: string, to: PageLink['to']])[] = [
  ['wall.watch', '/wall'],
  ['break-glass.review', '/emergencies'],
  ['security-alert.read', '/security'],
  ['audit.read', '/audit'],
  ['user.write', '/users'],
  ['operations.read', '/status'],
];

export function firstPage(may: (action: string) => boolean): PageLink['to'] {
  const first = FIRST.find(([needs]) => may(needs))?.[1];
  return first ?? PAGES.find((page) => mayOpen(page, may))?.to ?? '/me';
}

/** The page an address leads to, and what stands behind it: `/patients/P13` is `/P13` of the patients. */
export function pageAt(pathname: string): { readonly page: PageLink; readonly rest: string } | undefined {
  const page = PAGES.find(
    ({ to, parts }) => pathname === to || pathname.startsWith(`${to}/`) || parts?.includes(pathname) === true,
  );
  return page && { page, rest: pathname.startsWith(`${page.to}/`) ? pathname.slice(page.to.length) : '' };
}

export const mayOpen = ({ needs }: PageLink, may: (action: string) => boolean): boolean => needs.some(may);
