import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readAttackLists } from './attack-lists.ts';
import { isDefect } from './judge.ts';
import { startWorld, type World } from './world.ts';

/**
 * What no client library sends, written to a real socket byte by byte: paths that climb, methods that are none, headers
 * that end too soon, requests within requests.
 */
const LISTS = readAttackLists();
let world: World;
let ca: Buffer;
beforeAll(async () => {
  world = await startWorld();
  ca = readFileSync(join(world.program.settings.dataFolder, 'pki', 'server-ca.pem'));
}, 120_000);
afterAll(() => world?.stop());

interface Seen {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

async function dial(): Promise<TLSSocket> {
  const { port } = new URL(world.program.https);
  const socket = connect({ host: 'localhost', port: Number(port), ca });
  socket.on('error', () => {});
  await once(socket, 'secureConnect');
  return socket;
}

/** What comes back to these bytes, until there are so many answers or the server closes. */
async function send(bytes: Buffer, most = Number.POSITIVE_INFINITY): Promise<readonly Seen[]> {
  const socket = await dial();
  const parts: Buffer[] = [];
  socket.on('data', (part: Buffer) => {
    parts.push(part);
    if (most < Number.POSITIVE_INFINITY && answersIn(Buffer.concat(parts)).length >= most) socket.destroy();
  });
  socket.write(bytes);
  await once(socket, 'close');
  return answersIn(Buffer.concat(parts));
}

function answersIn(bytes: Buffer): readonly Seen[] {
  const answers: Seen[] = [];
  for (let rest = bytes; rest.length > 0; ) {
    const end = rest.indexOf('\r\n\r\n');
    const head = rest.subarray(0, end < 0 ? rest.length : end).toString('latin1');
    const length = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0);
    const body = rest.subarray(end + 4, end + 4 + length).toString('latin1');
    if (end < 0 || body.length < length) break;
    answers.push({ status: Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? 0), head, body });
    rest = rest.subarray(end + 4 + length);
  }
  return answers;
}

const get = (path: string, more = 'Connection: close\r\n'): Buffer =>
  Buffer.from(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n${more}\r\n`);

/** Many requests on one connection, one after the other, as long as the server keeps it open. */
async function sendEach(requests: readonly Buffer[], judge: (answer: Seen, request: Buffer) => void): Promise<number> {
  let answered = 0;
  for (let next = 0; next < requests.length; ) {
    const batch = requests.slice(next, next + 50);
    const answers = await send(Buffer.concat(batch), batch.length);
    expect(answers.length, `no answer to ${batch[0]?.toString()}`).toBeGreaterThan(0);
    for (const [index, answer] of answers.entries()) judge(answer, batch[index] as Buffer);
    answered += answers.length;
    // What the parser refused ended the connection: the rest comes on another.
    next += answers.length;
  }
  return answered;
}

describe.runIf(LISTS !== undefined)('a path that climbs', () => {
  it('leads to no file, from wherever files are served, as it is and encoded', async () => {
    const climbing = (LISTS ?? [])
      .filter(({ name }) => /traversal|lfi|disclosure|os-dir|file-upload|all-attacks|Null/i.test(name))
      .flatMap(({ strings }) => strings)
      .filter((text) => !/[\s\0]/.test(text) && text.length < 2_000);
    expect(climbing.length).toBeGreaterThan(1_500);
    const requests = climbing.flatMap((text, i) => {
      const root = ['/assets/', '/', '/assets/../', '/api/../'][i % 4] as string;
      return [get(`${root}${text}`, '')];
    });
    const answered = await sendEach(requests, ({ status, head, body }, request) => {
      const line = request.toString('latin1').split('\r\n')[0];
      expect([200, 302, 400, 404, 405, 414, 421, 431], line).toContain(status);
      // The app answers every page of its own; what it never is, is a file of the machine.
      if (status === 200)
        expect(head, line).toMatch(
          /content-type: (text\/html|text\/javascript|text\/css|image|application\/(json|manifest|problem))/i,
        );
      expect(body, line).not.toMatch(/root:.*:0:0|\[boot loader\]|BEGIN [A-Z ]*PRIVATE KEY|PG_VERSION|"dependencies"/);
    });
    expect(answered).toBe(requests.length);
  }, 120_000);
});

describe.runIf(LISTS !== undefined)('a method', () => {
  it('that nobody knows, or that no route has, does nothing', async () => {
    const methods = (LISTS ?? [])
      .filter(({ name }) => /http-protocol-methods|CommonMethodNames/.test(name))
      .flatMap(({ strings }) => strings)
      .filter(
        (text) => /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(text) && !['GET', 'HEAD', 'OPTIONS', 'CONNECT'].includes(text),
      );
    expect(methods.length).toBeGreaterThan(50);
    for (const method of methods) {
      const [answer] = await send(
        Buffer.from(`${method} /api/patients/PA HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`),
      );
      expect([400, 401, 403, 404, 405, 501], method).toContain(answer?.status);
      expect(answer?.body, method).not.toContain('Zephyrin');
    }
  }, 120_000);
});

describe('a request that is two', () => {
  const secret = () => world.program.secretOf('bystander');
  const inner = () =>
    `GET /api/patients/PA HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${secret()}\r\nConnection: close\r\n\r\n`;

  it.each([
    ['with both lengths', 'Content-Length: 4\r\nTransfer-Encoding: chunked\r\n'],
    ['with two lengths', 'Content-Length: 0\r\nContent-Length: 400\r\n'],
    ['with a length in words', 'Content-Length: 4e2\r\n'],
    ['with a chunked that is not', 'Transfer-Encoding: xchunked\r\n'],
    ['with a chunked behind a tab', 'Transfer-Encoding:\tchunked, identity\r\n'],
    ['with a folded header', 'X-Folded: a\r\n Transfer-Encoding: chunked\r\n'],
    ['with a space before the colon', 'Content-Length : 400\r\n'],
    ['with a bare line feed', 'X-A: b\nContent-Length: 400\r\n'],
    ['with a bare carriage return', 'X-A: b\rContent-Length: 400\r\n'],
  ])('%s is refused as a whole, and the connection ends', async (_what, header) => {
    const answers = await send(
      Buffer.from(`POST /api/session HTTP/1.1\r\nHost: localhost\r\n${header}\r\n0\r\n\r\n${inner()}`),
    );
    expect(answers.map(({ status }) => status)).toEqual([400]);
    expect(JSON.stringify(answers)).not.toContain('Zephyrin');
  });

  it('with a second Host, or none, or another’s, is answered by nothing of ours', async () => {
    for (const hosts of [
      'Host: localhost\r\nHost: evil.example\r\n',
      '',
      'Host: evil.example\r\n',
      'Host: localhost@evil.example\r\n',
    ]) {
      const authorized = `GET /api/patients/PA HTTP/1.1\r\n${hosts}Authorization: Bearer ${secret()}\r\nConnection: close\r\n\r\n`;
      const [answer] = await send(Buffer.from(authorized));
      expect([400, 421], hosts).toContain(answer?.status);
      expect(answer?.body).not.toContain('Zephyrin');
    }
  });

  it('puts no header of its own into an answer, however it is encoded', async () => {
    for (const end of ['%0d%0a', '%0D%0A%20', '%E5%98%8A%E5%98%8D', '\\r\\n', '%00%0a']) {
      const paths = [`/${end}X-Injected:1`, `/api/patients/PA${end}X-Injected:1`, `/authorize/x?y=${end}X-Injected:1`];
      for (const path of paths)
        for (const { head } of await send(get(path))) expect(head, path).not.toMatch(/^x-injected/im);
    }
  });
});

describe('the live stream', () => {
  it('opens for nothing that is no session, wherever it is shown', async () => {
    for (const shown of [
      '',
      'Authorization: Bearer x\r\n',
      'Cookie: __Host-healthsync=x\r\n',
      'Authorization: Basic YTpi\r\n',
    ])
      expect((await send(get('/api/live?access_token=x', `${shown}Connection: close\r\n`)))[0]?.status).toBe(401);
  });
});

describe('afterwards', () => {
  it('the server serves, and has logged no defect and nobody', async () => {
    expect((await world.program.call('bystander', 'GET', '/api/patients/PA')).body.familyName).toBe('ZephyrinA');
    expect(world.logged.filter((line) => /Zephyrin/.test(line) || isDefect(line))).toEqual([]);
  });
});
