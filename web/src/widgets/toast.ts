/** Short words about something that did not work. Few at a time, and read out. */
export interface Toast {
  readonly id: number;
  readonly text: string;
}

const SHOWN_MS = 8_000;
/** More at once would hide the wall. */
const TOASTS_MAX = 3;

let toasts: readonly Toast[] = [];
let nextId = 1;
const listeners = new Set<() => void>();

export function showToast(text: string): void {
  const toast = { id: nextId++, text };
  set([...toasts, toast].slice(-TOASTS_MAX));
  setTimeout(() => dismissToast(toast.id), SHOWN_MS);
}

export function dismissToast(id: number): void {
  set(toasts.filter((toast) => toast.id !== id));
}

export const currentToasts = (): readonly Toast[] => toasts;

export function onToasts(listener: () => void): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

function set(next: readonly Toast[]): void {
  toasts = next;
  for (const listener of listeners) listener();
}
