import type { AmendConsent, Consent } from '@healthsync/contracts/consent';
import { useState } from 'react';
import { api } from '../api.ts';
import { MomentField } from '../times/moment-field.tsx';
import { momentOf, typedOf } from '../times/typed-moment.ts';
import { Dialog } from '../widgets/dialog.tsx';
import { DialogEnd } from '../widgets/dialog-end.tsx';
import { SaveProblem, useSaving } from '../widgets/saving.tsx';
import { aboutText } from './consent-words.ts';

/** Other times for a consent, as a new version. */
export function AmendConsentDialog({
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
  const before = { from: typedOf(consent.from), until: typedOf(consent.until) };
  const [times, setTimes] = useState(before);
  // Kept as it was to the second where nothing else was typed.
  const isSame = times.from === before.from && times.until === before.until;

  async function save(): Promise<void> {
    const from = times.from === before.from ? undefined : momentOf(times.from);
    const body: AmendConsent = {
      version: consent.version,
      ...(from !== undefined && { from }),
      ...(times.until !== before.until && { until: momentOf(times.until) ?? null }),
    };
    const path = `/api/consents/${encodeURIComponent(consent.id)}`;
    await saving.run(async () => onDone(await api<Consent>(path, { method: 'PUT', body })));
  }

  return (
    <Dialog title={`When it holds: ${aboutText(consent)}`} onClose={onClose}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        <SaveProblem saving={saving} shown={['from', 'until']} reload={reload} />
        <div className="pair pair-wide">
          <MomentField
            label="Holds from"
            description="This screen’s time"
            value={times.from}
            error={saving.errorOf('from')}
            onChange={(from) => setTimes({ ...times, from })}
          />
          <MomentField
            label="Until"
            description="Empty: without end"
            value={times.until}
            error={saving.errorOf('until')}
            onChange={(until) => setTimes({ ...times, until })}
          />
        </div>
        <DialogEnd onCancel={onClose} isBusy={saving.isBusy} isIncomplete={isSame || times.from === ''}>
          Save as a new version
        </DialogEnd>
      </form>
    </Dialog>
  );
}
