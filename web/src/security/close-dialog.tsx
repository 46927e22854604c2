import {
  type CloseSecurityAlert,
  SECURITY_VERDICTS,
  type SecurityAlert,
  type SecurityVerdict,
} from '@healthsync/contracts/security-alert';
import { Radio, Textarea } from '@mantine/core';
import { useState } from 'react';
import { api } from '../api.ts';
import { Dialog } from '../widgets/dialog.tsx';
import { DialogEnd } from '../widgets/dialog-end.tsx';
import { SaveProblem, useSaving } from '../widgets/saving.tsx';
import { KIND_WORDS } from './alert-words.ts';
import { reasonText } from './reason-text.ts';

const CHOICES: Readonly<Record<SecurityVerdict, string>> = {
  justified: 'justified: it was their work',
  violation: 'a violation: it was not',
  'false-alarm': 'a false alarm: it was not what it looked like',
};

/** How it ended, once, with a word why. */
export function CloseDialog({
  alert,
  onClose,
  onDone,
}: {
  readonly alert: SecurityAlert;
  readonly onClose: () => void;
  readonly onDone: () => void;
}) {
  const saving = useSaving();
  const [verdict, setVerdict] = useState<SecurityVerdict | ''>('');
  const [note, setNote] = useState('');

  async function save(): Promise<void> {
    if (verdict === '') return;
    const body: CloseSecurityAlert = { verdict, note: note.trim() };
    const path = `/api/security-alerts/${encodeURIComponent(alert.id)}/close`;
    if (await saving.run(async () => void (await api(path, { method: 'POST', body })))) onDone();
  }

  return (
    <Dialog title={KIND_WORDS[alert.kind]} onClose={onClose}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        {alert.person !== undefined && <strong className="security-person">{alert.person.name}</strong>}
        <ul className="reasons">
          {alert.reasons.map((reason) => (
            <li key={reason.code}>{reasonText(reason)}</li>
          ))}
        </ul>
        <SaveProblem saving={saving} shown={['verdict', 'note']} />
        <Radio.Group label="It was" required value={verdict} onChange={(value) => setVerdict(value as SecurityVerdict)}>
          <div className="choices">
            {SECURITY_VERDICTS.map((each) => (
              <Radio key={each} value={each} label={CHOICES[each]} />
            ))}
          </div>
        </Radio.Group>
        <Textarea
          label="Note"
          description="What was found out, and what follows; cannot be changed later"
          required
          autosize
          minRows={2}
          maxLength={1_000}
          value={note}
          error={saving.errorOf('note')}
          onChange={(event) => setNote(event.target.value)}
        />
        <DialogEnd onCancel={onClose} isBusy={saving.isBusy} isIncomplete={verdict === '' || note.trim().length < 3}>
          Close the alert
        </DialogEnd>
      </form>
    </Dialog>
  );
}
