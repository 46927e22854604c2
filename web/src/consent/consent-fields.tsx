import type { ConsentSource } from '@healthsync/contracts/consent';
import { Select, TextInput } from '@mantine/core';
import type { Saving } from '../widgets/saving.tsx';
import { SOURCE_WORDS } from './consent-words.ts';

export interface How {
  readonly source: ConsentSource | null;
  readonly witness: string;
}

/** How the patient's word came to us, and which colleague was there. */
export function HowFields({
  how,
  saving,
  onChange,
}: {
  readonly how: How;
  readonly saving: Saving;
  readonly onChange: (how: How) => void;
}) {
  return (
    <div className="pair pair-wide">
      <Select
        label="How we know"
        placeholder="Choose"
        required
        data={Object.entries(SOURCE_WORDS).map(([value, label]) => ({ value, label }))}
        value={how.source}
        error={saving.errorOf('source')}
        onChange={(source) => onChange({ ...how, source: source as ConsentSource | null })}
      />
      <TextInput
        label="Colleague who was there"
        placeholder="Sign-in name"
        maxLength={64}
        autoComplete="off"
        value={how.witness}
        error={saving.errorOf('witness')}
        onChange={(event) => onChange({ ...how, witness: event.target.value })}
      />
    </div>
  );
}

/** As it is sent. */
export function howSent({ source, witness }: How): { source?: ConsentSource; witness?: string } {
  const name = witness.trim().toLowerCase();
  return { ...(source !== null && { source }), ...(name !== '' && { witness: name }) };
}
