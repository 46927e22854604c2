import type { Alert } from '@healthsync/contracts/alert';
import { type FocusEvent, type PointerEvent, useLayoutEffect, useRef, useState } from 'react';
import { holdPlace } from '../live/hold-place.ts';
import { isDialogOpen } from '../widgets/shortcuts.ts';
import { workOrder } from './work-order.ts';

/** A key pressed twice in a hurry must not take the alarm that moved up under it. */
const SETTLE_MS = 700;

/**
 * In which order the rows stand, and which one the keyboard is on. What somebody is on keeps its place while others are
 * sorted around it; and when it leaves the list, the focus goes to the row that took its place, not to nowhere.
 */
export function useWorkFocus(alerts: readonly Alert[]) {
  const [current, setCurrent] = useState<string>();
  const [hovered, setHovered] = useState<string>();
  const before = useRef<readonly string[]>([]);
  const lastFocused = useRef<HTMLElement>(undefined);
  const movedAt = useRef(Number.NEGATIVE_INFINITY);

  const byId = new Map(alerts.map((alert) => [alert.id, alert]));
  const sorted = workOrder(alerts).map(({ id }) => id);
  // A dialog is about the row it was opened from, and gives the focus back to it.
  const held = focusedRow() ?? (isDialogOpen() ? current : undefined) ?? hovered;
  const order = holdPlace(sorted, { held, before: before.current });
  const first = current !== undefined && byId.has(current) ? current : order[0];

  useLayoutEffect(() => {
    const gone = current !== undefined && !byId.has(current) ? before.current.indexOf(current) : -1;
    before.current = order;
    const isNowhere = document.activeElement === document.body || document.activeElement === null;
    if (!isNowhere || lastFocused.current === undefined) return;
    // Sorting moves elements, and a moved element loses the focus; what was typed and the caret stay with it.
    if (lastFocused.current.isConnected) lastFocused.current.focus({ preventScroll: true });
    else if (gone >= 0) {
      movedAt.current = performance.now();
      focusRow(order[Math.min(gone, order.length - 1)]);
    }
  });

  function focusRow(id: string | undefined): void {
    if (id === undefined) return;
    setCurrent(id);
    const link = document.querySelector<HTMLElement>(`.work-row[data-alarm="${CSS.escape(id)}"] .work-open`);
    link?.focus({ preventScroll: true });
    link?.closest('.work-row')?.scrollIntoView({ block: 'nearest' });
  }

  return {
    rows: order.flatMap((id) => byId.get(id) ?? []),
    current: first,
    /** What a key acts on; nothing is acknowledged that nobody is on. */
    focused: (): Alert | undefined => {
      const id = focusedRow();
      const isSettled = performance.now() - movedAt.current > SETTLE_MS;
      return id === undefined || !isSettled ? undefined : byId.get(id);
    },
    move(by: number): void {
      const from = focusedRow();
      const next =
        from === undefined ? first : order[Math.min(order.length - 1, Math.max(0, order.indexOf(from) + by))];
      focusRow(next);
    },
    onFocus(event: FocusEvent<HTMLElement>): void {
      lastFocused.current = event.target as HTMLElement;
      const id = rowOf(event.target);
      if (id !== undefined) setCurrent(id);
    },
    onBlur(event: FocusEvent<HTMLElement>): void {
      // Gone elsewhere by will; a lost focus has nowhere to go to.
      if (event.relatedTarget !== null) lastFocused.current = undefined;
    },
    onPointerOver(event: PointerEvent<HTMLElement>): void {
      if (event.pointerType === 'mouse') setHovered(rowOf(event.target));
    },
    onPointerLeave: () => setHovered(undefined),
  };
}

const focusedRow = (): string | undefined => rowOf(document.activeElement);

function rowOf(target: EventTarget | null): string | undefined {
  return target instanceof Element ? target.closest<HTMLElement>('.work-row')?.dataset['alarm'] : undefined;
}
