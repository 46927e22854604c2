import type { Consent, RevokeConsent } from '@healthsync/contracts/consent';
import { useState } from 'react';
import { api } from '../api.ts';
import { Dialog } from '../widgets/dialog.tsx';
import { DialogEnd } from '../widgets/dialog-end.tsx';
import { SaveProblem, useSaving } from '../widgets/saving.tsx';
import { type How, HowFields, howSent } from './consent-fields.tsx';
import { aboutText, periodText } from './consent-words.ts';

/** Ends a consent at once, or takes a refusal back. Only what was looked at: somebody may have changed it meanwhile. */
export function RevokeConsentDialog({
  consent,
  onClose,
  onDone,
  reload,
}: {
  readonly consent: Consent;
  readonly onClose: () => void;
  readonly onDone: (consent: Consent) => unknown;
  readonly reload: () => unknown;
}) {
  const saving = useSaving();
  const [how, setHow] = useState<How>({ source: null, witness: '' });
  const isPermit = consent.decision === 'permit';
  const about = aboutText(consent);

  async function save(): Promise<void> {
    const body: RevokeConsent = { version: consent.version, ...howSent(how) };
    const path = `/api/consents/${encodeURIComponent(consent.id)}/revoke`;
    await saving.run(async () => onDone(await api<Consent>(path, { method: 'POST', body })));
  }

  return (
    <Dialog title={`${isPermit ? 'Revoke' : 'Take back the refusal'}: ${about}`} onClose={onClose} size="lg">
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        <SaveProblem saving={saving} shown={['source', 'witness']} reload={reload} />
        <p>
          {isPermit ? 'Consent' : 'Refusal'} {periodText(consent)}.
        </p>
        <p className="dialog-lead">
          {isPermit
            ? 'From the moment this is saved nothing more is read, streamed or exported by it. What was read before stays in the audit.'
            : 'From the moment this is saved it closes nothing any more. What else was recorded decides.'}
        </p>
        <HowFields how={how} saving={saving} onChange={setHow} />
        <DialogEnd onCancel={onClose} isBusy={saving.isBusy} isIncomplete={how.source === null}>
          {isPermit ? 'Revoke it now' : 'Take it back now'}
        </DialogEnd>
      </form>
    </Dialog>
  );
}
