import { HISTORY_EVENT_TYPES, type HistoryEvent } from './history-event.ts';
import type { Json } from './json.ts';

/**
 * A piece of history as text, to be kept and read again. Small, because it is written with every transition: types by
 * number, times and previous events as differences, and a payload that was just said is not said again.
 */
export function historyText(events: readonly HistoryEvent[]): string {
  const [first] = events;
  if (first === undefined) return '[]';
  const rows: Row[] = [];
  let atMs = first.atMs;
  let said: Json | undefined;
  for (const { id, previousId, atMs: at, type, input, output, ...rest } of events) {
    const payload = input === undefined ? output : input;
    const isRepeated = payload !== undefined && payload === said;
    if (payload !== undefined) said = payload;
    const detail: Detail = {
      ...rest,
      ...(input !== undefined && !isRepeated && { i: input }),
      ...(output !== undefined && !isRepeated && { o: output }),
      ...(isRepeated && { same: input === undefined ? 'o' : 'i' }),
    };
    const row = [NUMBERS.get(type) ?? 0, at - atMs, id - previousId] as const;
    rows.push(Object.keys(detail).length === 0 ? [...row] : [...row, detail]);
    atMs = at;
  }
  return JSON.stringify([first.id, first.atMs, ...rows]);
}

/** Undoes `historyText`. */
export function historyOf(text: string): readonly HistoryEvent[] {
  const [firstId = 0, firstAtMs = 0, ...rows] = JSON.parse(text) as [number?, number?, ...Row[]];
  let atMs = firstAtMs;
  let said: Json | undefined;
  return rows.map(([type, laterMs, back, detail = {}], index): HistoryEvent => {
    const { i, o, same, ...rest } = detail;
    atMs += laterMs;
    const fresh = i === undefined ? o : i;
    if (fresh !== undefined) said = fresh;
    const id = firstId + index;
    return {
      id,
      previousId: id - back,
      atMs,
      type: HISTORY_EVENT_TYPES[type] as HistoryEvent['type'],
      ...rest,
      ...((i !== undefined || same === 'i') && { input: said as Json }),
      ...((o !== undefined || same === 'o') && { output: said as Json }),
    };
  });
}

type Detail = Omit<HistoryEvent, 'id' | 'previousId' | 'atMs' | 'type' | 'input' | 'output'> & {
  readonly i?: Json;
  readonly o?: Json;
  readonly same?: 'i' | 'o';
};
type Row = [type: number, laterMs: number, back: number, detail?: Detail];

const NUMBERS = new Map(HISTORY_EVENT_TYPES.map((type, number) => [type, number]));
