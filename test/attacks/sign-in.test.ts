import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { withOpenData } from '../../server/src/apps/open-data.ts';
import { startTestProgram, type TestProgram } from '../../server/src/apps/test-program.ts';
import type { UserId } from '../../server/src/domain/ids.ts';
import { createPasswords } from '../../server/src/identity/passwords.ts';
import type { User } from '../../server/src/ports/accounts.ts';
import { createVisitor } from './visitor.ts';

/**
 * What signing in tells a stranger: nothing by its words, and nothing by its work. How long it takes is measured by
 * `bench/sign-in-timing.ts`; here the costly part is counted, at the function that does it.
 */
const PASSWORD = 'correct horse battery';
let program: TestProgram;

const user = (name: string, more: Partial<User & { passwordHash: string }> = {}) => ({
  id: `u-${name}` as UserId,
  name,
  displayName: name,
  roles: ['nurse' as const],
  wardIds: [],
  ...more,
});

beforeAll(async () => {
  program = await startTestProgram([{ name: 'security', roles: ['security'], wardIds: [] }]);
  const passwordHash = (await createPasswords().hash(PASSWORD)) ?? expect.fail('busy');
  await withOpenData(program.settings, Date.now, async ({ accounts }) => {
    await accounts.putUser(user('there', { passwordHash }));
    await accounts.putUser(user('gone', { passwordHash, disabledAtMs: 1 }));
    await accounts.putUser(user('federated'));
  });
}, 120_000);
afterAll(() => program?.stop());

/** Every hash that is made, with what it costs. */
const hashes: string[] = [];
const [argon2, scrypt] = [crypto.argon2, crypto.scrypt];
beforeAll(() => {
  const counted =
    (name: string, cost: (...given: never[]) => unknown, make: (...given: never[]) => unknown) =>
    (...given: never[]) => {
      hashes.push(`${name} ${JSON.stringify(cost(...given))}`);
      return make(...given);
    };
  Object.assign(crypto, {
    argon2: counted(
      'argon2',
      (_kind, { memory, passes, parallelism }) => ({ memory, passes, parallelism }),
      argon2 as never,
    ),
    scrypt: counted('scrypt', (_password, _salt, _length, { N, r, p }) => ({ N, r, p }), scrypt as never),
  });
  syncBuiltinESMExports();
});
afterAll(() => {
  Object.assign(crypto, { argon2, scrypt });
  syncBuiltinESMExports();
});
afterEach(() => void hashes.splice(0));

const signIn = (name: string, password: string) =>
  createVisitor(program.app).ask('POST', '/api/session', { name, password });

describe('somebody who is refused', () => {
  const WAYS = [
    ['a wrong password', 'there', 'wrong horse battery'],
    ['nobody of that name', 'nobody', PASSWORD],
    ['somebody who left, with their password', 'gone', PASSWORD],
    ['somebody who has no password here', 'federated', PASSWORD],
    ['what is no name', '<b>"\u202e', PASSWORD],
  ] as const;

  it('costs as much work whoever it was, and as much as letting somebody in', async () => {
    await signIn('there', PASSWORD);
    const [work, ...more] = hashes.splice(0);
    expect([work, more]).toEqual([expect.stringMatching(/^(argon2|scrypt) \{.*\d/), []]);
    for (const [what, name, password] of WAYS) {
      await signIn(name, password);
      expect(hashes.splice(0), what).toEqual([work]);
    }
  });

  it('is told the same in every word and every header', async () => {
    const told = new Set<string>();
    for (const [, name, password] of WAYS) {
      const { status, headers, text } = await signIn(name, password);
      const { 'x-request-id': _, date: __, ...same } = headers;
      told.add(JSON.stringify([status, same, text]));
    }
    expect([...told]).toHaveLength(1);
  });

  it('is made to wait after as many tries, whether there is such a person or not', async () => {
    const triesOf = async (name: string) => {
      const thief = createVisitor(program.app);
      for (let tries = 1; ; tries++) {
        const { status, headers } = await thief.ask('POST', '/api/session', { name, password: 'wrong horse battery' });
        if (status === 429) return [tries, headers['retry-after']];
      }
    };
    const tries = await triesOf('nobody-at-all');
    expect(await triesOf('federated')).toEqual(tries);
  });

  it('is in the audit, whatever they typed as a name', async () => {
    for (const name of ['no\0body', 'x'.repeat(64), '\ud800', "' or 1=1 --"]) {
      const { headers, status } = await signIn(name, PASSWORD);
      expect(status).toBeGreaterThanOrEqual(400);
      const { entries } = (await program.call('security', 'GET', '/api/audit?action=session.sign-in&limit=20')).body;
      const written = entries.find(
        ({ correlationId }: { correlationId: string }) => correlationId === headers['x-request-id'],
      );
      expect(written, JSON.stringify(name)).toMatchObject({ action: 'session.sign-in', actor: { name: '?' } });
    }
  });
});

describe('an invitation and the first account', () => {
  it('cost a stranger nothing of ours: without the code nothing is hashed', async () => {
    const stranger = createVisitor(program.app);
    await stranger.ask('POST', '/api/invitations/accept', { code: 'guessed', password: 'another good passphrase' });
    expect(hashes).toEqual([]);
  });
});
