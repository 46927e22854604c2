import { Button } from '@mantine/core';
import type { ReactNode } from 'react';

/** The last row of a dialog's form: leave it, or do it. */
export function DialogEnd({
  onCancel,
  isBusy,
  isIncomplete = false,
  children,
}: {
  readonly onCancel: () => void;
  readonly isBusy: boolean;
  /** Something is missing without which it cannot be done. */
  readonly isIncomplete?: boolean;
  /** What is done, in words. */
  readonly children: ReactNode;
}) {
  return (
    <div className="row dialog-end">
      <Button variant="default" onClick={onCancel}>
        Cancel
      </Button>
      <Button type="submit" loading={isBusy} disabled={isIncomplete}>
        {children}
      </Button>
    </div>
  );
}
