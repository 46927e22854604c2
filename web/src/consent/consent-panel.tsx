import type { Consent, ConsentList } from '@healthsync/contracts/consent';
import { Button } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api.ts';
import { useSession } from '../session/session.tsx';
import { evidenceText } from '../times/time-text.ts';
import { Awaited } from '../widgets/awaited.tsx';
import { AmendConsentDialog } from './amend-consent-dialog.tsx';
import { ConsentHistory } from './consent-history.tsx';
import { aboutText, periodText, recordText, standingOf } from './consent-words.ts';
import { GiveConsentDialog } from './give-consent-dialog.tsx';
import { RevokeConsentDialog } from './revoke-consent-dialog.tsx';

type Asked = { readonly id: string; readonly what: 'history' | 'amend' | 'revoke' } | 'new' | undefined;

/** What one patient has consented to or refused, since when, and by what; whoever may records and revokes it here. */
export function ConsentPanel({ patientId }: { readonly patientId: string }) {
  const { may } = useSession();
  const queries = useQueryClient();
  const key = ['consents', patientId];
  const query = useQuery({
    queryKey: key,
    queryFn: () => api<ConsentList>(`/api/patients/${encodeURIComponent(patientId)}/consents`),
    gcTime: 0,
  });
  const [asked, setAsked] = useState<Asked>();
  const [held, setHeld] = useState<Consent>();
  const reread = () => queries.invalidateQueries({ queryKey: ['consents'] });
  const close = () => setAsked(undefined);
  async function done(consent: Consent): Promise<void> {
    close();
    setHeld(consent);
    await reread();
  }
  // By id, from what is known now: a dialog that stays open after somebody else's change shows that change.
  const one = typeof asked === 'object' ? query.data?.consents.find(({ id }) => id === asked.id) : undefined;
  return (
    <section className="panel consents" aria-label="Consent">
      <div className="row consents-head">
        <h2>Consent</h2>
        {may('consent.write') && (
          <Button size="compact-md" onClick={() => setAsked('new')}>
            Record a consent or refusal
          </Button>
        )}
        <a className="row-end" href={`/fhir/Consent?patient=${encodeURIComponent(patientId)}`} download="consents.json">
          Export as FHIR
        </a>
      </div>
      <p className="consent-held" role="status">
        {held !== undefined && heldText(held)}
      </p>
      <Awaited query={query} rows={2}>
        {({ consents, treatment }) => (
          <>
            <p className="soft consent-law">
              {treatment === 'needed'
                ? 'In this house treatment needs consent too: without it the record opens only in an emergency. Alarms ring in any case.'
                : 'Treatment rests on the law here and needs no consent. Research and sharing stay closed without one.'}
            </p>
            {consents.length === 0 ? (
              <p>Nothing is recorded for this patient.</p>
            ) : (
              <ul className="consent-list">
                {consents.map((consent) => (
                  <Row
                    key={consent.id}
                    consent={consent}
                    mayWrite={may('consent.write')}
                    ask={(what) => setAsked({ id: consent.id, what })}
                  />
                ))}
              </ul>
            )}
          </>
        )}
      </Awaited>
      {asked === 'new' && <GiveConsentDialog patientId={patientId} onClose={close} onDone={done} />}
      {typeof asked === 'object' && one !== undefined && asked.what === 'history' && (
        <ConsentHistory consent={one} onClose={close} />
      )}
      {typeof asked === 'object' && one !== undefined && asked.what === 'amend' && (
        <AmendConsentDialog key={one.version} consent={one} onClose={close} onDone={done} reload={reread} />
      )}
      {typeof asked === 'object' && one !== undefined && asked.what === 'revoke' && (
        <RevokeConsentDialog key={one.version} consent={one} onClose={close} onDone={done} reload={reread} />
      )}
    </section>
  );
}

function heldText(consent: Consent): string {
  const { text } = standingOf(consent);
  const what = `${aboutText(consent)}: ${text.replace(/^[✓✕] /, '')}`;
  if (consent.standing === 'to-come') return `✓ Recorded. ${what} from ${evidenceText(consent.from)} on.`;
  return `✓ Recorded, and it holds already: every read, stream and export goes by it. ${what}.`;
}

function Row({
  consent,
  mayWrite,
  ask,
}: {
  readonly consent: Consent;
  readonly mayWrite: boolean;
  readonly ask: (what: 'history' | 'amend' | 'revoke') => void;
}) {
  const { text, effect } = standingOf(consent);
  const about = aboutText(consent);
  const isOver = consent.state === 'revoked' || consent.standing === 'over';
  return (
    <li data-over={isOver || undefined}>
      <div className="consent-what">
        <strong>{about}</strong>
        <span className="state" data-effect={effect}>
          {text}
        </span>
      </div>
      <div className="consent-when">
        {periodText(consent)}
        <div className="soft">{recordText(consent)}</div>
      </div>
      <div className="row consent-acts">
        <button type="button" className="plain-button" onClick={() => ask('history')}>
          {consent.version === 1 ? '1 version' : `${consent.version} versions`}
          <span className="unseen"> of {about}</span>
        </button>
        {mayWrite && !isOver && (
          <>
            <button type="button" className="plain-button" onClick={() => ask('amend')}>
              Times<span className="unseen"> of {about}</span>
            </button>
            <button type="button" className="plain-button" onClick={() => ask('revoke')}>
              {consent.decision === 'permit' ? 'Revoke' : 'Take back'}
              <span className="unseen"> {about}</span>
            </button>
          </>
        )}
      </div>
    </li>
  );
}
