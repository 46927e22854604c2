import { useEffect, useRef } from 'react';
import { currentSettings } from '../settings.ts';

/** Keys in lower case: `a`, `arrowleft`, or a sequence such as `g w`. A handler that answers `false` leaves the key to the browser. */
export type Shortcuts = Readonly<Record<string, (event: KeyboardEvent) => unknown>>;

/** How long the second key of a sequence is waited for. */
const SEQUENCE_MS = 1_200;

/** Shortcuts while this component is on the page: dead in inputs, in dialogs, and when switched off. */
export function useShortcuts(shortcuts: Shortcuts): void {
  const latest = useRef(shortcuts);
  latest.current = shortcuts;
  useEffect(() => {
    let first: { readonly key: string; readonly atMs: number } | undefined;
    const onKey = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isElsewhere(event)) return;
      const key = event.key.toLowerCase();
      // WCAG 2.1.4 is about characters; arrows and Enter are what such keys are for.
      if (key.length === 1 && !currentSettings().keys) return;
      const isSequence = first !== undefined && event.timeStamp - first.atMs < SEQUENCE_MS;
      // `G A` goes somewhere; it must never fall back to `A`, which acknowledges.
      const handler = latest.current[isSequence ? `${first?.key} ${key}` : key];
      first = key === 'g' ? { key, atMs: event.timeStamp } : undefined;
      if (handler !== undefined && handler(event) !== false) event.preventDefault();
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);
}

/** A tick box is not typed into: after ticking one, keys go on working. */
const TYPED_INTO = 'input:not([type="checkbox"]), textarea, select, [role="listbox"]';

export const isDialogOpen = (): boolean => document.querySelector('[role="dialog"]') !== null;

function isElsewhere(event: KeyboardEvent): boolean {
  const target = event.target;
  if (isDialogOpen()) return true;
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || target.closest(TYPED_INTO) !== null;
}
