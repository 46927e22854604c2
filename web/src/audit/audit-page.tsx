import type { AuditPage as Page } from '@healthsync/contracts/audit';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useLocation } from '@tanstack/react-router';
import { useState } from 'react';
import { api } from '../api.ts';
import { Awaited } from '../widgets/awaited.tsx';
import { AuditEntryDialog } from './audit-entry-dialog.tsx';
import { type AuditFilter, isSame, SHORTCUTS, searchOf } from './audit-filter.ts';
import { AuditFilterForm } from './audit-filter-form.tsx';
import { AuditTable } from './audit-table.tsx';
import { ChainBadge } from './chain-badge.tsx';

/** Read at a glance and drawn in a frame; the server pages the rest. */
const PAGE = 100;

/** Who did what, when and why, newest first; and whether the log is whole. */
export function AuditPage() {
  const { state } = useLocation();
  const [filter, setFilter] = useState<AuditFilter>(state.audit ?? {});
  // Where each page began: one goes back by what one came by.
  const [befores, setBefores] = useState<readonly number[]>([]);
  const [opened, setOpened] = useState<number>();
  const before = befores.at(-1);
  const query = useQuery({
    queryKey: ['audit', filter, before],
    queryFn: () =>
      api<Page>(`/api/audit?${searchOf(filter, { limit: PAGE, ...(before !== undefined && { before }) })}`),
    placeholderData: keepPreviousData,
    gcTime: 0,
  });
  const show = (next: AuditFilter) => {
    setFilter(next);
    setBefores([]);
    if (befores.length === 0 && isSame(next, filter)) void query.refetch();
  };
  const entries = query.data?.entries ?? [];
  const next = query.data?.next;

  return (
    <main className="page">
      <div className="row page-head">
        <h1>Audit</h1>
        <ChainBadge />
      </div>
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset would bring a frame of its own */}
      <div className="tabs" role="group" aria-label="Which">
        {SHORTCUTS.map((each) => (
          <button
            key={each.label}
            type="button"
            aria-pressed={isSame(each.filter, filter)}
            onClick={() => show(each.filter)}
          >
            {each.label}
          </button>
        ))}
      </div>
      {/* Another filter is another form: what stood in its fields goes. */}
      <AuditFilterForm key={JSON.stringify(filter)} filter={filter} onShow={show} />
      <Awaited query={query} rows={10}>
        {(page) =>
          page.entries.length === 0 ? (
            <p className="empty">No such entry.</p>
          ) : (
            <AuditTable entries={page.entries} isOld={query.isPlaceholderData} onOpen={setOpened} />
          )
        }
      </Awaited>
      <nav className="row more" aria-label="Pages of the log">
        <button
          type="button"
          className="plain-button"
          disabled={befores.length === 0}
          onClick={() => setBefores(befores.slice(0, -1))}
        >
          Newer
        </button>
        <button
          type="button"
          className="plain-button"
          disabled={next === undefined || query.isPlaceholderData}
          onClick={() => next !== undefined && setBefores([...befores, next])}
        >
          Older
        </button>
        {entries.length > 0 && (
          <span className="soft">
            entries {entries.at(-1)?.position} to {entries[0]?.position}
          </span>
        )}
      </nav>
      {opened !== undefined && (
        <AuditEntryDialog
          entry={entries.find(({ position }) => position === opened)}
          position={opened}
          onClose={() => setOpened(undefined)}
        />
      )}
    </main>
  );
}
