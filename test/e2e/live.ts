import { once } from 'node:events';
import { get } from 'node:https';

/** The live stream as any client of ours reads it. */
export interface LiveEvents {
  /** Every event so far. */
  readonly events: { readonly name: string; readonly data: unknown; readonly heardAtMs: number }[];
  close(): void;
}

export async function listen(options: {
  readonly port: number;
  readonly ca: string;
  readonly token: string;
  readonly query?: string;
}): Promise<LiveEvents> {
  const events: LiveEvents['events'] = [];
  const request = get({
    host: 'localhost',
    port: options.port,
    path: `/api/live${options.query ?? ''}`,
    ca: options.ca,
    headers: { authorization: `Bearer ${options.token}` },
  });
  const [response] = await once(request, 'response');
  if (response.statusCode !== 200) throw new Error(`the live stream answered ${response.statusCode}`);
  response.setEncoding('utf8');
  let rest = '';
  response.on('data', (chunk: string) => {
    const parts = (rest + chunk).split('\n\n');
    rest = parts.pop() ?? '';
    for (const part of parts) {
      const name = /^event: ?(.*)$/m.exec(part)?.[1];
      const data = /^data: ?(.*)$/m.exec(part)?.[1];
      if (name !== undefined && data !== undefined)
        events.push({ name, data: JSON.parse(data), heardAtMs: Date.now() });
    }
  });
  // The server may go away under a test that is about that.
  response.on('error', () => {});
  request.on('error', () => {});
  return { events, close: () => request.destroy() };
}
