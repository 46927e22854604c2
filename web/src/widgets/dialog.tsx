import { type MantineSize, Modal } from '@mantine/core';
import { type ReactNode, useId, useLayoutEffect, useState } from 'react';

/**
 * A dialog that is on the page exactly as long as it is open, and gives the focus back to where it was. Its head is no
 * `<header>`: a page has one banner, which goes on saying how many alarms call.
 */
export function Dialog({
  title,
  onClose,
  size = 'md',
  className,
  isForced = false,
  children,
}: {
  readonly title: string;
  readonly onClose: () => void;
  readonly size?: MantineSize | (string & {});
  readonly className?: string;
  /** Cannot be put aside: what it asks for must be answered. */
  readonly isForced?: boolean;
  readonly children: ReactNode;
}) {
  const id = useId();
  useLayoutEffect(() => {
    openDialogs.push(id);
    return () => void openDialogs.splice(openDialogs.indexOf(id), 1);
  }, [id]);
  // Asked before anything within takes the focus.
  const [before] = useState(() => document.activeElement);
  const [top] = useState(() => (document.querySelector('.bar')?.getBoundingClientRect().bottom ?? 34) + 6);
  // Once the dialog is off the page and before anything else happens: the next key already belongs to what was left.
  useLayoutEffect(
    () => () => {
      queueMicrotask(() => {
        const isNowhere = document.activeElement === null || document.activeElement === document.body;
        if (isNowhere && before instanceof HTMLElement && before.isConnected) before.focus({ preventScroll: true });
      });
    },
    [before],
  );
  return (
    <Modal.Root
      opened
      // Escape is heard by all that are open: only the one on top is meant, and what is written behind it stays.
      onClose={() => openDialogs.at(-1) === id && onClose()}
      size={size}
      centered
      // Below the bar, which stays lit: how many alarms call is seen, and their sound can be paused, whatever is open.
      yOffset={top}
      // The wall behind goes on being watched, and is never shifted by a scroll bar that goes.
      lockScroll={false}
      returnFocus={false}
      closeOnEscape={!isForced}
      closeOnClickOutside={!isForced}
      {...(className !== undefined && { className })}
    >
      <Modal.Overlay backgroundOpacity={isForced ? 0.35 : 0.55} />
      <Modal.Content>
        <div className="dialog-head">
          <Modal.Title>{title}</Modal.Title>
          {!isForced && <Modal.CloseButton aria-label="Close" />}
        </div>
        <Modal.Body>{children}</Modal.Body>
      </Modal.Content>
    </Modal.Root>
  );
}

/** The dialogs that are open, the one on top last. */
const openDialogs: string[] = [];
