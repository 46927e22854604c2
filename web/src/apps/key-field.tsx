import { Textarea } from '@mantine/core';

/** Where a public key is pasted. */
export function KeyField({
  value,
  error,
  isRequired,
  onChange,
}: {
  readonly value: string;
  readonly error: string | undefined;
  readonly isRequired: boolean;
  readonly onChange: (text: string) => void;
}) {
  return (
    <Textarea
      label="Public key"
      description="Pasted as JWK, JWKS or PEM; the private one stays with the system"
      required={isRequired}
      autosize
      minRows={3}
      maxRows={8}
      spellCheck={false}
      autoComplete="off"
      styles={{ input: { fontFamily: 'monospace' } }}
      value={value}
      error={error}
      onChange={(event) => onChange(event.target.value)}
    />
  );
}
