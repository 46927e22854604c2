import { once } from 'node:events';
import type { AddressInfo, Server } from 'node:net';
import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ACCOUNT_ROLES } from '../domain/access.ts';
import { startTestProgram, type TestProgram } from './test-program.ts';

/** Every address that somebody can set over HTTP, found in the description of the interface; none leads into the house. */
let program: TestProgram;
let trap: Server;
let fields: readonly string[];
let caught = 0;

beforeAll(async () => {
  trap = createServer((socket) => {
    caught++;
    socket.destroy();
  });
  await once(trap.listen(0, '127.0.0.1'), 'listening');
  program = await startTestProgram([{ name: 'all', roles: [...ACCOUNT_ROLES], wardIds: [] }]);
  fields = urlFields((await program.call(undefined, 'GET', '/api/openapi.json')).body);
}, 120_000);
afterAll(async () => {
  await program?.stop();
  trap.close();
});

/** RFC 8291 Appendix A: a browser's key. */
const POINT = 'BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4';

/** What becomes of each, with a body that is right but for it. A new one fails the first test until it was looked at. */
const KNOWN: Readonly<
  Record<string, { readonly is: 'called' | 'never called'; readonly body?: object; why?: string }>
> = {
  'POST /api/event-subscriptions url': { is: 'called', body: { name: 'mirror', routes: [{}] } },
  'PATCH /api/event-subscriptions/{id} url': { is: 'called', body: {} },
  'POST /api/push/subscriptions endpoint': {
    is: 'called',
    body: { keys: { p256dh: POINT, auth: 'BTBZMqHH6r4Tts7J_aSIgg' } },
  },
  'DELETE /api/push/subscriptions endpoint': { is: 'never called', why: 'names the one to forget' },
  'POST /api/clients redirectUris': { is: 'never called', why: 'the browser goes there; see below' },
  'POST /api/channels/{name}/test endpoint': { is: 'never called', why: 'is the name of one from the settings' },
};

const trapPort = () => (trap.address() as AddressInfo).port;
const hostile = (): readonly string[] =>
  [
    ...['127.0.0.1', 'localhost', '[::1]', '2130706433', '0x7f.1', '0177.0.0.1', '127.1', '0', '[::ffff:127.0.0.1]'],
    ...[
      '10.0.0.1',
      '172.16.0.1',
      '192.168.1.1',
      '100.64.0.1',
      '[fd00::1]',
      '[fe80::1]',
      '[64:ff9b::a00:1]',
      '224.0.0.1',
    ],
    ...['169.254.169.254', '[fd00:ec2::254]', 'metadata.google.internal', 'intranet', 'printer.local', 'db.internal'],
  ].flatMap((host) => [`https://${host}/latest/meta-data/`, `https://${host}:${trapPort()}/`]);
const NO_ADDRESS = [
  ...[
    'http://example.org/',
    'ftp://example.org/',
    'file:///etc/passwd',
    'gopher://example.org/',
    'javascript:alert(1)',
  ],
  ...['data:text/html,x', 'unix:/run/postgresql', '//example.org/', 'https://', 'https://a:b@example.org/', ''],
  ...['https://example.org:22/', 'https://127.0.0.1#@example.org/'],
];

describe('addresses that somebody can set', () => {
  it('are all known, and what becomes of them', () => {
    expect([...fields].sort()).toEqual(Object.keys(KNOWN).sort());
  });

  it('lead nowhere in the house, in whatever way that is written', async () => {
    const called = Object.entries(KNOWN).filter(([, { is }]) => is === 'called');
    expect(called.length).toBeGreaterThan(2);
    for (const [name, { body }] of called) {
      const [method = '', path = '', field = ''] = name.split(' ');
      for (const url of [...hostile(), ...NO_ADDRESS]) {
        const asked = await program.call('all', method, path.replaceAll(/\{\w+\}/g, 'none'), { ...body, [field]: url });
        expect([name, url, asked.status, asked.body.errors?.[0]?.field]).toEqual([name, url, 400, field]);
      }
    }
    expect(caught).toBe(0);
  }, 60_000);

  it('are refused as a change too', async () => {
    const made = await program.call('all', 'POST', '/api/event-subscriptions', {
      name: 'mirror',
      url: 'https://hooks.example.org/a',
      routes: [{}],
    });
    expect(made.status).toBe(201);
    const { subscriptions } = (await program.call('all', 'GET', '/api/event-subscriptions')).body;
    const path = `/api/event-subscriptions/${subscriptions[0].id}`;
    for (const url of [...hostile(), ...NO_ADDRESS]) {
      const change = await program.call('all', 'PATCH', path, { url });
      expect([change.status, url]).toEqual([400, url]);
    }
    const kept = (await program.call('all', 'GET', '/api/event-subscriptions')).body.subscriptions;
    expect(kept).toEqual(subscriptions);
  });

  it('where a browser is sent after signing in to an app are https, or this very machine', async () => {
    for (const uri of [
      'javascript:alert(1)',
      'data:text/html,x',
      'http://evil.example/',
      'https://a@b/',
      'https://a/#x',
    ]) {
      const { status, body } = await program.call('all', 'POST', '/api/clients', {
        id: 'app',
        kind: 'app',
        name: 'App',
        redirectUris: [uri],
        scopes: [],
      });
      // A fresh factor is asked for first where the session is older: here it is not.
      expect([uri, status, body.errors?.[0]?.field]).toEqual([uri, 400, 'redirectUris.0']);
    }
  });
});

type Schema = Record<string, unknown> & {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
};

interface Api {
  readonly paths: Record<string, Record<string, { requestBody?: { content: Record<string, { schema: Schema }> } }>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

/** Fields of bodies that hold an address, by their names and their patterns: `METHOD path field`. */
function urlFields({ paths, components }: Api): readonly string[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, { requestBody }]) => {
      const schema = requestBody?.content['application/json']?.schema;
      return schema === undefined
        ? []
        : placesIn(schema, components.schemas).map((place) => `${method.toUpperCase()} ${path} ${place}`);
    }),
  );
}

const NAMED =
  /(^|[_-]|[a-z](?=[A-Z]))(urls?|uris?|endpoints?|webhooks?|callback|href|link|issuer|avatar|picture|photo)$/i;

function placesIn(schema: Schema, known: Api['components']['schemas'], path = ''): readonly string[] {
  const reference = schema['$ref'];
  if (typeof reference === 'string') return placesIn(known[reference.split('/').at(-1) ?? ''] ?? {}, known, path);
  const branches = ['anyOf', 'allOf', 'oneOf'].flatMap((name) => (schema[name] as Schema[] | undefined) ?? []);
  const own = Object.entries(schema.properties ?? {}).flatMap(([name, one]) => {
    const place = path === '' ? name : `${path}.${name}`;
    const inner = one.items ?? one;
    const isUrl = inner.type === 'string' && (NAMED.test(name) || /https?:|uri|url/i.test(wordsOf(inner)));
    return isUrl ? [place] : placesIn(inner, known, place);
  });
  return [...new Set([...own, ...branches.flatMap((one) => placesIn(one, known, path))])];
}

const wordsOf = (schema: Schema): string => [schema['pattern'], schema['format']].join(' ');
