import { Button } from '@mantine/core';
import type { ReactNode } from 'react';
import { Dialog } from './dialog.tsx';

/** Of what throws somebody or something out: asked once more, with what it means. */
export function AreYouSure({
  title,
  action,
  onClose,
  onSure,
  children,
}: {
  readonly title: string;
  readonly action: string;
  readonly onClose: () => void;
  readonly onSure: () => void;
  readonly children: ReactNode;
}) {
  return (
    <Dialog title={title} onClose={onClose}>
      <p className="dialog-lead">{children}</p>
      <div className="row dialog-end">
        <Button variant="default" onClick={onClose} data-autofocus>
          Cancel
        </Button>
        <Button onClick={onSure}>{action}</Button>
      </div>
    </Dialog>
  );
}
