import { TextInput } from '@mantine/core';
import { isElsewhere, zoneName } from './time-text.ts';
import { momentOf } from './typed-moment.ts';

/** A moment as one types it: in the zone in which pages show times, which is named where this screen has another. */
export function MomentField({
  label,
  description,
  value,
  error,
  onChange,
}: {
  readonly label: string;
  readonly description?: string;
  readonly value: string;
  readonly error?: string | undefined;
  readonly onChange: (value: string) => void;
}) {
  // Summer or winter as at the time that is typed, as far as it is.
  const atMs = Date.parse(momentOf(value) ?? '') || Date.now();
  return (
    <TextInput
      type="datetime-local"
      label={isElsewhere(atMs) ? `${label} (${zoneName(atMs)})` : label}
      description={description}
      value={value}
      error={error}
      onChange={(event) => onChange(event.target.value)}
    />
  );
}
