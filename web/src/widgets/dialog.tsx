import { Modal, type ModalProps } from '@mantine/core';
import { useEffect, useState } from 'react';

/** A dialog that is on the page exactly as long as it is open, and gives the focus back to where it was. */
export function Dialog(props: Omit<ModalProps, 'opened'>) {
  // Asked before anything within takes the focus.
  const [before] = useState(() => document.activeElement);
  useEffect(
    () => () => {
      setTimeout(() => {
        const isNowhere = document.activeElement === null || document.activeElement === document.body;
        if (isNowhere && before instanceof HTMLElement && before.isConnected) before.focus({ preventScroll: true });
      });
    },
    [before],
  );
  return <Modal opened returnFocus={false} {...props} />;
}
