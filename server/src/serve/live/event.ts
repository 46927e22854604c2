/** The server-sent event stream format (WHATWG HTML, 9.2.6): one event, as the bytes every client gets. */
export function encodeEvent(event: { readonly id: number; readonly name: EventName; readonly json: string }): Buffer {
  // JSON.stringify never emits a raw line feed, so the data is always a single line.
  return Buffer.from(`id: ${event.id}\nevent: ${event.name}\ndata: ${event.json}\n\n`);
}

/** `signed-out` is the last event of a stream whose session ended; `overflow` that of a reader who was too slow. */
export type EventName = 'snapshot' | 'vitals' | 'alert' | 'system' | 'beat' | 'signed-out' | 'overflow';
