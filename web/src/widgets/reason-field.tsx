import { Textarea } from '@mantine/core';
import type { Saving } from './saving.tsx';

/** Why: kept with the change and the name of who made it. */
export function ReasonField({
  value,
  saving,
  description,
  onChange,
}: {
  readonly value: string;
  readonly saving: Saving;
  readonly description?: string;
  readonly onChange: (reason: string) => void;
}) {
  return (
    <Textarea
      label="Reason"
      description={description}
      required
      autosize
      maxLength={500}
      value={value}
      error={saving.errorOf('reason')}
      onChange={(event) => onChange(event.target.value)}
    />
  );
}
