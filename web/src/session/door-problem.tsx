import { Alert } from '@mantine/core';

/** Why it did not go on, above a form of the door; nothing where nothing is wrong. */
export function DoorProblem({ text }: { readonly text: string | undefined }) {
  if (text === undefined) return null;
  return (
    <Alert color="red" variant="filled" role="alert">
      {text}
    </Alert>
  );
}
