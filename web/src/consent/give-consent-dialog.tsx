import type { Consent, ConsentPurpose, GiveConsent } from '@healthsync/contracts/consent';
import { Radio, TextInput } from '@mantine/core';
import { useState } from 'react';
import { api } from '../api.ts';
import { MomentField } from '../times/moment-field.tsx';
import { momentOf } from '../times/typed-moment.ts';
import { Dialog } from '../widgets/dialog.tsx';
import { DialogEnd } from '../widgets/dialog-end.tsx';
import { SaveProblem, useSaving } from '../widgets/saving.tsx';
import { type How, HowFields, howSent } from './consent-fields.tsx';

const PURPOSES: readonly { readonly value: ConsentPurpose; readonly label: string; readonly description: string }[] = [
  { value: 'research', label: 'Research', description: 'Studies may read the record' },
  { value: 'sharing', label: 'Sharing', description: 'One named party may read it' },
  { value: 'treatment', label: 'Treatment', description: 'Matters where the house asks for it' },
];
const FIELDS = ['purpose', 'party', 'decision', 'from', 'until', 'givenAt', 'source', 'witness'];

/** Records what a patient permits or refuses. */
export function GiveConsentDialog({
  patientId,
  onClose,
  onDone,
}: {
  readonly patientId: string;
  readonly onClose: () => void;
  readonly onDone: (consent: Consent) => unknown;
}) {
  const saving = useSaving();
  const [purpose, setPurpose] = useState<ConsentPurpose>('research');
  const [decision, setDecision] = useState<'permit' | 'deny'>('permit');
  const [party, setParty] = useState('');
  const [times, setTimes] = useState({ from: '', until: '', givenAt: '' });
  const [how, setHow] = useState<How>({ source: null, witness: '' });
  const isSharing = purpose === 'sharing';

  async function save(): Promise<void> {
    const [from, until, givenAt] = [times.from, times.until, times.givenAt].map((typed) => momentOf(typed));
    const body: GiveConsent = {
      purpose,
      decision,
      ...(isSharing && { party: party.trim().toLowerCase() }),
      ...(from !== undefined && { from }),
      ...(until !== undefined && { until }),
      ...(givenAt !== undefined && { givenAt }),
      ...howSent(how),
    };
    const path = `/api/patients/${encodeURIComponent(patientId)}/consents`;
    await saving.run(async () => onDone(await api<Consent>(path, { method: 'POST', body })));
  }

  const moment = (name: keyof typeof times, label: string, description: string) => (
    <MomentField
      label={label}
      description={description}
      value={times[name]}
      error={saving.errorOf(name)}
      onChange={(value) => setTimes({ ...times, [name]: value })}
    />
  );
  return (
    <Dialog title="Record a consent or refusal" onClose={onClose} size="lg">
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        <SaveProblem saving={saving} shown={FIELDS} />
        <Radio.Group label="The patient" value={decision} onChange={(value) => setDecision(value as typeof decision)}>
          <div className="choices">
            <Radio value="permit" label="consents" />
            <Radio value="deny" label="refuses" />
          </div>
        </Radio.Group>
        <Radio.Group label="For" value={purpose} onChange={(value) => setPurpose(value as ConsentPurpose)}>
          <div className="choices">
            {PURPOSES.map((each) => (
              <Radio key={each.value} {...each} />
            ))}
          </div>
        </Radio.Group>
        {isSharing && (
          <TextInput
            label="With whom"
            description="The name its account here signs in with"
            required
            maxLength={64}
            autoComplete="off"
            value={party}
            error={saving.errorOf('party')}
            onChange={(event) => setParty(event.target.value)}
          />
        )}
        <HowFields how={how} saving={saving} onChange={setHow} />
        <div className="pair pair-wide">
          {moment('givenAt', 'The patient said so', 'Empty: now')}
          {moment('from', 'Holds from', 'Empty: at once')}
          {moment('until', 'Until', 'Empty: without end')}
        </div>
        <p className="dialog-lead">
          {decision === 'deny'
            ? 'A refusal stands above every consent to the same, for as long as it holds.'
            : 'It can be revoked at any moment, and holds no longer from that moment on.'}
        </p>
        <DialogEnd
          onCancel={onClose}
          isBusy={saving.isBusy}
          isIncomplete={how.source === null || (isSharing && party.trim() === '')}
        >
          {decision === 'permit' ? 'Record the consent' : 'Record the refusal'}
        </DialogEnd>
      </form>
    </Dialog>
  );
}
