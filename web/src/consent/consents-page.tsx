import type { ConsentPurpose, ConsentRecords } from '@healthsync/contracts/consent';
import { Button, TextInput } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { api } from '../api.ts';
import { VipMark } from '../patient/vip-mark.tsx';
import { useSession } from '../session/session.tsx';
import { Awaited } from '../widgets/awaited.tsx';
import { LoadMore } from '../widgets/load-more.tsx';
import { ConsentPanel } from './consent-panel.tsx';
import { aboutText, PURPOSE_WORDS, periodText, recordText, standingOf } from './consent-words.ts';

const PAGE = 50;
const WHICH = { all: 'All', ...PURPOSE_WORDS } as const;

/** What patients have consented to: of one, by id, and of everybody one may see, recorded last first. */
export function ConsentsPage() {
  const { may } = useSession();
  const [draft, setDraft] = useState('');
  const [patientId, setPatientId] = useState<string>();
  function open(id: string): void {
    setDraft(id);
    setPatientId(id);
  }
  return (
    <main className="page">
      <div className="row page-head">
        <h1>Consent</h1>
        {/* Whom one looks at stands in no address: the id stays in the page. */}
        <form
          className="row consent-search"
          aria-label="One patient"
          onSubmit={(event) => {
            event.preventDefault();
            open(draft.trim());
          }}
        >
          <TextInput
            aria-label="The patient’s id"
            placeholder="The patient’s id"
            maxLength={64}
            autoComplete="off"
            value={draft}
            onChange={(event) => setDraft(event.target.value)}
          />
          <Button type="submit" disabled={draft.trim() === ''}>
            Show
          </Button>
        </form>
      </div>
      {patientId !== undefined && (
        <section className="consent-one" aria-label="Of one patient">
          <div className="row">
            <h2>
              {may('patient.read') ? (
                <Link to="/patients/$patientId" params={{ patientId }}>
                  {patientId}
                </Link>
              ) : (
                patientId
              )}
            </h2>
            {/* Only the privacy officer lifts a special protection, and opens no patient's page. */}
            <VipMark key={patientId} patientId={patientId} />
            <button
              type="button"
              className="plain-button"
              onClick={() => {
                setPatientId(undefined);
                setDraft('');
              }}
            >
              Back to everybody
            </button>
            {may('audit.read') && (
              <Link className="row-end" to="/audit" state={{ audit: { patient: patientId } }}>
                Who opened this record
              </Link>
            )}
          </div>
          <ConsentPanel key={patientId} patientId={patientId} />
        </section>
      )}
      {patientId === undefined && <Recent open={open} />}
    </main>
  );
}

function Recent({ open }: { readonly open: (patientId: string) => void }) {
  const [which, setWhich] = useState<keyof typeof WHICH>('all');
  const query = useInfiniteQuery({
    queryKey: ['consents', 'recent'],
    queryFn: ({ pageParam }) => {
      const search = new URLSearchParams({ limit: String(PAGE) });
      if (pageParam !== '') search.set('cursor', pageParam);
      return api<ConsentRecords>(`/api/consents?${search}`);
    },
    initialPageParam: '',
    getNextPageParam: ({ next }) => next,
    gcTime: 0,
  });
  return (
    <>
      <div className="row consent-filter">
        <h2>Recorded last</h2>
        {/* biome-ignore lint/a11y/useSemanticElements: a fieldset would bring a frame of its own */}
        <div className="tabs" role="group" aria-label="For which purpose">
          {(Object.keys(WHICH) as (keyof typeof WHICH)[]).map((each) => (
            <button key={each} type="button" aria-pressed={each === which} onClick={() => setWhich(each)}>
              {WHICH[each]}
            </button>
          ))}
        </div>
      </div>
      <Awaited query={query} rows={6}>
        {({ pages }) => (
          <Table
            rows={pages.flatMap(({ consents }) => consents).filter(({ purpose }) => isShown(purpose, which))}
            open={open}
          />
        )}
      </Awaited>
      <LoadMore query={query} />
    </>
  );
}

const isShown = (purpose: ConsentPurpose, which: keyof typeof WHICH): boolean => which === 'all' || which === purpose;

function Table({
  rows,
  open,
}: {
  readonly rows: ConsentRecords['consents'];
  readonly open: (patientId: string) => void;
}) {
  if (rows.length === 0) return <p className="empty">No consent is recorded yet.</p>;
  return (
    <div className="table-box">
      <table className="table stacking consent-table">
        <thead>
          <tr>
            <th scope="col">Patient</th>
            <th scope="col">For</th>
            <th scope="col">Stands</th>
            <th scope="col">When</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((consent) => {
            const { text, effect } = standingOf(consent);
            return (
              <tr key={consent.id}>
                <td>
                  <button type="button" className="link-button" onClick={() => open(consent.patientId)}>
                    {consent.patientId}
                  </button>
                </td>
                <td data-label="For">{aboutText(consent)}</td>
                <td data-label="Stands">
                  <span className="state" data-effect={effect}>
                    {text}
                  </span>
                </td>
                <td data-label="When">
                  {periodText(consent)}
                  <div className="soft">{recordText(consent)}</div>
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
