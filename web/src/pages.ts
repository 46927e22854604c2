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
    label: 'How I am told',
    key: 'm',
    needs: ['alarm.acknowledge', 'operations.read', 'device.read'],
    isMore: true,
  },
  { to: '/channels', label: 'Channels', key: 'c', needs: ['operations.read'], isMore: true },
  { to: '/executions', label: 'Escalation runs', key: 'x', needs: ['operations.read'], isMore: true },
  { to: '/devices', label: 'Devices', key: 'd', needs: ['device.read', 'rejected.read'], isMore: true },
  { to: '/users', label: 'Accounts', key: 'u', needs: ['user.read'], isMore: true },
  { to: '/emergencies', label: 'Emergency access', key: 'b', needs: ['break-glass.review'], isMore: true },
  { to: '/why', label: 'Why can they see?', key: 'y', needs: ['access.explain'], isMore: true },
  { to: '/audit', label: 'Audit', key: 'i', needs: ['audit.read'], isMore: true },
  { to: '/keys', label: 'Keys', key: 'k', needs: ['key.read'], isMore: true },
  { to: '/status', label: 'Health', key: 'h', needs: ['operations.read', 'system-alarm.acknowledge'], isMore: true },
];

export const mayOpen = ({ needs }: PageLink, may: (action: string) => boolean): boolean => needs.some(may);
