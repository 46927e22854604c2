import { Button } from '@mantine/core';

/** Shown once: for the day the phone is lost. */
export function RecoveryCodeSheet({
  codes,
  onDone,
}: {
  readonly codes: readonly string[];
  readonly onDone: () => void;
}) {
  return (
    <section>
      <h2 className="door-title">Keep these recovery codes</h2>
      <p className="door-note">
        Each lets you in once without your second factor. They are not shown again: print them, or write them down, and
        keep them where your phone is not.
      </p>
      <ul className="recovery-codes">
        {codes.map((code) => (
          <li key={code}>
            <code>{code}</code>
          </li>
        ))}
      </ul>
      <Button size="md" fullWidth onClick={onDone}>
        I have kept them
      </Button>
    </section>
  );
}
