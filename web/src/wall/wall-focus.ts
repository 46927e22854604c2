import { type FocusEvent, type PointerEvent, useRef, useState } from 'react';
import { isUnacknowledged } from '../live/alarm-rank.ts';
import { useServices, useShape } from '../services.ts';
import { byBed, byPriority, type WallOrder } from './tile-order.ts';

/** In which order beds stand, and which one the keyboard is on. */
export function useWallFocus(wanted: WallOrder, columns: number) {
  const { store } = useServices();
  useShape();
  const [current, setCurrent] = useState<string>();
  const [hovered, setHovered] = useState<string>();
  const before = useRef<readonly string[]>([]);

  const inBeds = byBed(store.tiles().values());
  const held = focusedTile() ?? hovered;
  const order = wanted === 'bed' ? inBeds : byPriority(inBeds, store.alarmsOf, { held, before: before.current });
  before.current = order;
  const places = new Map(order.map((id, place) => [id, place]));
  const first = current !== undefined && places.has(current) ? current : order[0];

  function focus(patientId: string | undefined): void {
    if (patientId === undefined) return;
    setCurrent(patientId);
    const link = document.querySelector<HTMLElement>(`.tile[data-patient="${CSS.escape(patientId)}"] .tile-link`);
    link?.focus({ preventScroll: true });
    link?.closest('.tile')?.scrollIntoView({ block: 'nearest' });
  }

  return {
    inBeds,
    order,
    current: first,
    placeOf: (patientId: string) => places.get(patientId) ?? 0,
    /** What a key acts on: the bed that has the focus; nothing is acknowledged that nobody is on. */
    focused: focusedTile,
    move(by: number): boolean {
      // On another control an arrow is that control's own.
      const from = focusedTile();
      if (from === undefined && document.activeElement !== document.body) return false;
      if (from === undefined) focus(first);
      else focus(order[target(places.get(from) ?? 0, by, { count: order.length, columns })]);
      return true;
    },
    /** The most urgent unacknowledged alarm; from one of them, the next after it. */
    nextAlarm(): void {
      const open = [
        ...new Set(
          store
            .alarms()
            .filter(isUnacknowledged)
            .map((alert) => alert.patientId),
        ),
      ];
      const shown = open.filter((patientId) => places.has(patientId));
      const at = shown.indexOf(focusedTile() ?? '');
      focus(shown[(at + 1) % Math.max(1, shown.length)]);
    },
    onFocus(event: FocusEvent<HTMLElement>): void {
      const patientId = (event.target as HTMLElement).closest<HTMLElement>('.tile')?.dataset['patient'];
      if (patientId !== undefined) setCurrent(patientId);
    },
    onPointerOver(event: PointerEvent<HTMLElement>): void {
      if (event.pointerType !== 'mouse') return;
      setHovered((event.target as HTMLElement).closest<HTMLElement>('.tile')?.dataset['patient']);
    },
    onPointerLeave: () => setHovered(undefined),
  };
}

function target(from: number, by: number, { count, columns }: { readonly count: number; readonly columns: number }) {
  const to = from + by;
  if (to >= 0 && to < count) return to;
  // Down from the last full row goes to the last bed rather than nowhere.
  const isDownToShortRow = by > 1 && Math.floor(from / columns) < Math.floor((count - 1) / columns);
  return isDownToShortRow ? count - 1 : from;
}

function focusedTile(): string | undefined {
  return document.activeElement?.closest<HTMLElement>('.tile')?.dataset['patient'];
}
