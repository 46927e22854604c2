import type { AuditRecord } from '@healthsync/contracts/audit';

/** What of the log is asked for. Held by the page and by the history of the tab, never in an address. */
export interface AuditFilter {
  readonly person?: string;
  readonly patient?: string;
  readonly action?: string;
  readonly outcome?: AuditRecord['outcome'];
  /** RFC 3339, with its zone. */
  readonly from?: string;
  readonly to?: string;
}

declare module '@tanstack/react-router' {
  interface HistoryState {
    /** Where another page leads to part of the log. */
    readonly audit?: AuditFilter;
  }
}

/** What is asked for most, at one press. */
export const SHORTCUTS: readonly { readonly label: string; readonly filter: AuditFilter }[] = [
  { label: 'Everything', filter: {} },
  { label: 'Refused', filter: { outcome: 'denied' } },
  { label: 'Emergency access', filter: { action: 'break-glass.*' } },
  { label: 'Signing in', filter: { action: 'session.*' } },
  { label: 'Accounts', filter: { action: 'user.*' } },
];

export function searchOf(filter: AuditFilter, page: { readonly before?: number; readonly limit: number }): string {
  const search = new URLSearchParams({ limit: String(page.limit) });
  if (page.before !== undefined) search.set('before', String(page.before));
  for (const [name, value] of Object.entries(filter)) if (value !== undefined && value !== '') search.set(name, value);
  return search.toString();
}

export const isSame = (a: AuditFilter, b: AuditFilter): boolean =>
  searchOf(a, { limit: 1 }) === searchOf(b, { limit: 1 });
