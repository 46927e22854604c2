import type { LinkProps } from '@tanstack/react-router';

/** Every page of the bar: where it is, what key after `g` goes there, and what one must be allowed to see it. */
export interface PageLink {
  readonly to: NonNullable<LinkProps['to']>;
  readonly label: string;
  /** With `g` before it. */
  readonly key: string;
  /** One of these is enough. */
  readonly needs: readonly string[];
  /** Behind `More`: not what one opens in a hurry. */
  readonly isMore?: true;
}

export const PAGES: readonly PageLink[] = [
  { to: '/wall', label: 'Wall', key: 'w', needs: ['wall.watch'] },
  { to: '/alarms', label: 'Worklist', key: 'a', needs: ['vitals.read'] },
  { to: '/patients', label: 'Patients', key: 'p', needs: ['patient.read'] },
  { to: '/rota', label: 'Rota', key: 'r', needs: ['rota.read'] },
  { to: '/teams', label: 'Care teams', key: 't', needs: ['rota.read'], isMore: true },
  { to: '/approvals', label: 'Approvals', key: 'v', needs: ['limits.write', 'rules.write'], isMore: true },
  { to: '/rules', label: 'Ward rules', key: 'l', needs: ['rules.read'], isMore: true },
  {
    to: '/me',
    label: 'My account',
    key: 'm',
    // Everybody but the screen on the corridor, which has it in its menu.
    needs: ['alarm.acknowledge', 'operations.read', 'device.read', 'user.read', 'audit.read', 'rules.read'],
    isMore: true,
  },
  { to: '/channels', label: 'Channels', key: 'c', needs: ['operations.read'], isMore: true },
  { to: '/executions', label: 'Escalation runs', key: 'x', needs: ['operations.read'], isMore: true },
  { to: '/devices', label: 'Devices', key: 'd', needs: ['device.read', 'rejected.read'], isMore: true },
  { to: '/users', label: 'Accounts', key: 'u', needs: ['user.read'], isMore: true },
  { to: '/apps', label: 'Apps and keys', key: 'n', needs: ['user.read'], isMore: true },
  { to: '/emergencies', label: 'Emergency access', key: 'b', needs: ['break-glass.review'], isMore: true },
  { to: '/consents', label: 'Consent', key: 'o', needs: ['consent.read'], isMore: true },
  { to: '/why', label: 'Why can they see?', key: 'y', needs: ['access.explain'], isMore: true },
  { to: '/audit', label: 'Audit', key: 'i', needs: ['audit.read'], isMore: true },
  { to: '/keys', label: 'Keys', key: 'k', needs: ['key.read'], isMore: true },
  { to: '/status', label: 'Health', key: 'h', needs: ['operations.read', 'system-alarm.acknowledge'], isMore: true },
];

/** Where somebody begins: with what their work is, not with what happens to come first in the bar. */
const FIRST: readonly (readonly [needs: string, to: PageLink['to']])[] = [
  ['wall.watch', '/wall'],
  ['break-glass.review', '/emergencies'],
  ['audit.read', '/audit'],
  ['user.write', '/users'],
  ['operations.read', '/status'],
];

export function firstPage(may: (action: string) => boolean): PageLink['to'] {
  const first = FIRST.find(([needs]) => may(needs))?.[1];
  return first ?? PAGES.find((page) => mayOpen(page, may))?.to ?? '/me';
}

export const mayOpen = ({ needs }: PageLink, may: (action: string) => boolean): boolean => needs.some(may);
