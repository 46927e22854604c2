import type { TestProgram } from '../../server/src/apps/test-program.ts';

/** A browser, as far as signing in goes: it keeps cookies and says that it asks from our own page. */
export interface Visitor {
  /** By name; to be looked at, stolen and planted. */
  readonly cookies: Map<string, string>;
  /** Every cookie line it was ever given. */
  readonly given: string[];
  ask(method: string, url: string, body?: object, headers?: Readonly<Record<string, string>>): Promise<Told>;
}

export interface Told {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever came back
  readonly body: any;
}

export const SESSION = '__Host-healthsync';
export const PENDING = '__Host-healthsync-pending';

let visitors = 0;

export function createVisitor(app: TestProgram['app']): Visitor {
  const cookies = new Map<string, string>();
  const given: string[] = [];
  // What one guesses is not counted against the others.
  const remoteAddress = `10.2.${++visitors >> 8}.${visitors & 255}`;
  return {
    cookies,
    given,
    async ask(method, url, body, headers = {}) {
      const answer = await app.inject({
        method: method as 'GET',
        url,
        remoteAddress,
        headers: {
          host: 'localhost',
          'sec-fetch-site': 'same-origin',
          ...(cookies.size > 0 && { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body !== undefined && { payload: JSON.stringify(body) }),
      });
      for (const line of [answer.headers['set-cookie'] ?? []].flat()) {
        given.push(line);
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
        if (value === '') cookies.delete(name);
        else cookies.set(name, value);
      }
      const text = answer.payload;
      return {
        status: answer.statusCode,
        headers: answer.headers,
        text,
        body: /json/.test(String(answer.headers['content-type'])) && text !== '' ? JSON.parse(text) : undefined,
      };
    },
  };
}
