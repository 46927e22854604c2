import {
  SECURITY_ALERT_KINDS,
  SECURITY_SEVERITIES,
  type SecurityAlert,
  type SecurityAlertList,
} from '@healthsync/contracts/security-alert';
import { Select, TextInput } from '@mantine/core';
import { keepPreviousData, useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, problemText } from '../api.ts';
import { timeText } from '../times/time-text.ts';
import { Awaited } from '../widgets/awaited.tsx';
import { LoadMore } from '../widgets/load-more.tsx';
import { showToast } from '../widgets/toast.ts';
import { AlertCard } from './alert-card.tsx';
import { type AlertFilter, KIND_WORDS, SEVERITY_WORDS, searchOf } from './alert-words.ts';
import { CloseDialog } from './close-dialog.tsx';
import { EvidenceDialog } from './evidence-dialog.tsx';
import { LeakScans } from './leak-scans.tsx';

const WHICH = { unsettled: 'To look at', closed: 'Closed' } as const;

/** What watching over access has noticed, with reasons; and where patients' data was found that may not be there. */
export function SecurityPage() {
  const queries = useQueryClient();
  const [filter, setFilter] = useState<AlertFilter>({ state: 'unsettled', kind: '', severity: '', person: '' });
  const [closing, setClosing] = useState<SecurityAlert>();
  const [evidence, setEvidence] = useState<number>();
  const query = useInfiniteQuery({
    queryKey: ['security-alerts', filter],
    queryFn: ({ pageParam }) => api<SecurityAlertList>(`/api/security-alerts?${searchOf(filter, pageParam)}`),
    initialPageParam: '',
    getNextPageParam: ({ next }) => next,
    placeholderData: keepPreviousData,
    refetchInterval: 15_000,
    gcTime: 0,
  });
  const reread = () => queries.invalidateQueries({ queryKey: ['security-alerts'] });
  const change = (part: Partial<AlertFilter>) => setFilter({ ...filter, ...part });

  async function look({ id }: SecurityAlert): Promise<void> {
    try {
      await api(`/api/security-alerts/${encodeURIComponent(id)}/look`, { method: 'POST' });
    } catch (error) {
      showToast(problemText(error));
    }
    await reread();
  }

  const [first] = query.data?.pages ?? [];
  return (
    <main className="page">
      <div className="row page-head">
        <h1>Security</h1>
        {first !== undefined && <Watching list={first} />}
        {/* biome-ignore lint/a11y/useSemanticElements: a fieldset would bring a frame of its own */}
        <div className="tabs" role="group" aria-label="Which">
          {(['unsettled', 'closed'] as const).map((each) => (
            <button
              key={each}
              type="button"
              aria-pressed={each === filter.state}
              onClick={() => change({ state: each })}
            >
              {WHICH[each]}
              {each === 'unsettled' && first !== undefined && ` (${first.counts.open + first.counts.lookedAt})`}
            </button>
          ))}
        </div>
      </div>
      <section className="audit-filter" aria-label="Filter">
        <Select
          label="What"
          value={filter.kind}
          data={[
            { value: '', label: 'anything' },
            ...SECURITY_ALERT_KINDS.map((value) => ({ value, label: KIND_WORDS[value] })),
          ]}
          allowDeselect={false}
          onChange={(value) => change({ kind: (value ?? '') as AlertFilter['kind'] })}
        />
        <Select
          label="How serious"
          value={filter.severity}
          data={[
            { value: '', label: 'any' },
            ...SECURITY_SEVERITIES.map((value) => ({ value, label: SEVERITY_WORDS[value] })),
          ]}
          allowDeselect={false}
          onChange={(value) => change({ severity: (value ?? '') as AlertFilter['severity'] })}
        />
        <TextInput
          label="Who (sign-in name or id)"
          value={filter.person}
          maxLength={128}
          onChange={(event) => change({ person: event.target.value })}
        />
      </section>
      <Awaited query={query} rows={4}>
        {({ pages }) => {
          const alerts = pages.flatMap((page) => page.alerts);
          if (alerts.length === 0)
            return (
              <p className="empty">
                {filter.state === 'closed' ? 'None closed.' : 'Nothing was noticed that is open.'}
              </p>
            );
          return (
            <ul className="emergencies" aria-busy={query.isPlaceholderData}>
              {alerts.map((alert) => (
                <li key={alert.id} className="panel security-alert" data-severity={alert.severity}>
                  <AlertCard
                    alert={alert}
                    onLook={() => void look(alert)}
                    onClose={() => setClosing(alert)}
                    onEvidence={setEvidence}
                  />
                </li>
              ))}
            </ul>
          );
        }}
      </Awaited>
      <LoadMore query={query} />
      <LeakScans />
      {closing !== undefined && (
        <CloseDialog
          alert={closing}
          onClose={() => setClosing(undefined)}
          onDone={() => {
            setClosing(undefined);
            void reread();
          }}
        />
      )}
      {evidence !== undefined && <EvidenceDialog position={evidence} onClose={() => setEvidence(undefined)} />}
    </main>
  );
}

/** Whether somebody watches at all: an empty list means nothing where nobody does. */
function Watching({ list: { watching } }: { readonly list: SecurityAlertList }) {
  const { state, behind, lookedUntil } = watching;
  if (state === 'watching')
    return (
      <span className="state" data-state="up">
        ✓ watching{lookedUntil !== undefined && `, looked until ${timeText(lookedUntil, 'minute', 'named')}`}
      </span>
    );
  return (
    <span className="state" data-state="failing">
      ⚠ {state === 'failing' ? 'not watching: the log cannot be read' : `${behind} entries behind`}
    </span>
  );
}
