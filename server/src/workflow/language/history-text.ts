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
  for (const event of events) {
    const { input, output } = event;
    const payload = input === undefined ? output : input;
    const isRepeated = payload !== undefined && payload === said;
    if (payload !== undefined) said = payload;
    const detail: Writable<Detail> = {};
    if (isRepeated) detail.same = input === undefined ? 'o' : 'i';
    else if (input !== undefined) detail.i = input;
    else if (output !== undefined) detail.o = output;
    for (const name of DETAILS) if (event[name] !== undefined) detail[name] = event[name] as never;
    const row = [NUMBERS.get(event.type) ?? 0, event.atMs - atMs, event.id - event.previousId] as const;
    rows.push(isEmpty(detail) ? [...row] : [...row, detail]);
    atMs = event.atMs;
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

type Writable<T> = { -readonly [Name in keyof T]: T[Name] };

const DETAILS = ['state', 'error', 'cause', 'resource', 'index'] as const satisfies readonly (keyof Detail)[];

function isEmpty(detail: Detail): boolean {
  for (const _ in detail) return false;
  return true;
}

const NUMBERS = new Map(HISTORY_EVENT_TYPES.map((type, number) => [type, number]));
