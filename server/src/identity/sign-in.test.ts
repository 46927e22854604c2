import { randomBytes } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { createMemoryAccounts } from '../adapters/memory/memory-accounts.ts';
import type { Role } from '../domain/access.ts';
import type { Accounts } from '../ports/accounts.ts';
import { Failure } from '../ports/failure.ts';
import { createPasswords } from './passwords.ts';
import { sha256Of } from './secrets.ts';
import { createSessions } from './sessions.ts';
import { createSignIn } from './sign-in.ts';
import { addUser, scriptUser } from './users.ts';

const HOUR = 3_600_000;
const MINUTE = 60_000;
const password = 'correct horse battery';
const address = '10.0.0.7';

let nowMs: number;
let accounts: Accounts;
/** What the store was asked: stands between the real one and the sessions. */
let asked: string[];
let isAway: boolean;

beforeEach(() => {
  nowMs = Date.parse('2026-11-22T03:00:00Z');
  asked = [];
  isAway = false;
  accounts = watched(createMemoryAccounts());
});

function watched(inner: Accounts): Accounts {
  return {
    ...inner,
    async findToken(...args) {
      asked.push('findToken');
      if (isAway) throw new Failure('database-unavailable', 'away', { retryable: true });
      return inner.findToken(...args);
    },
    async touchToken(...args) {
      asked.push('touchToken');
      return inner.touchToken(...args);
    },
  };
}

const passwords = createPasswords({ cost: { ln: 4, r: 8, p: 1 } });
const now = () => nowMs;
const fresh = () => {
  const sessions = createSessions({ accounts, now });
  return { sessions, ...createSignIn({ accounts, sessions, passwords, now }) };
};

async function withUser(...roles: readonly Role[]) {
  await addUser(accounts, passwords, { name: 'Anna', displayName: 'Anna B.', roles, wardIds: [], password });
  return fresh();
}

async function signedIn(...roles: readonly Role[]) {
  const service = await withUser(...roles);
  const outcome = await service.signIn({ name: 'anna', password, address });
  return outcome.kind === 'signed-in' ? { ...service, ...outcome } : expect.fail(outcome.kind);
}

describe('signing in', () => {
  it('gives a session that says who is asking and what they may', async () => {
    const { authenticate, secret, principal } = await signedIn('nurse');
    expect(secret).toMatch(/^hss_[A-Za-z0-9_-]{43}$/);
    expect(principal).toMatchObject({ name: 'anna', displayName: 'Anna B.', roles: ['nurse'], kind: 'session' });
    expect(await authenticate(secret)).toEqual(principal);
  });

  it('takes the name in any case', async () => {
    const { signIn } = await withUser('nurse');
    expect(await signIn({ name: ' ANNA ', password, address })).toMatchObject({ kind: 'signed-in' });
  });

  it('is refused in the same words whatever was wrong', async () => {
    const { signIn } = await withUser('nurse');
    await addUser(accounts, passwords, { name: 'gone', displayName: 'Gone', roles: ['nurse'], wardIds: [], password });
    await accounts.disable('gone', nowMs);
    await scriptUser(accounts, 'nurse');
    for (const name of ['anna', 'nobody', 'no such name!', '', 'script-nurse'])
      expect(await signIn({ name, password: 'wrong horse battery', address: `10.0.1.${name.length}` })).toEqual({
        kind: 'refused',
      });
    expect(await signIn({ name: 'gone', password, address })).toEqual({ kind: 'refused' });
  });

  it('must wait after too many failures, right password or not, except at a browser that signed in before', async () => {
    const { signIn, browserMark } = await signedIn('nurse');
    for (let i = 0; i < 5; i++) await signIn({ name: 'anna', password: 'wrong horse battery', address });
    expect(await signIn({ name: 'anna', password, address })).toMatchObject({ kind: 'wait', retryAfterMs: 1000 });
    expect(await signIn({ name: 'anna', password, address, browserMark })).toMatchObject({ kind: 'signed-in' });
    expect(await signIn({ name: 'anna', password, address, browserMark: `${browserMark}x` })).toMatchObject({
      kind: 'wait',
    });
    nowMs += 1000;
    expect(await signIn({ name: 'anna', password, address })).toMatchObject({ kind: 'signed-in' });
  });

  it('knows a browser again after a restart, and at another server', async () => {
    const browserMarkKey = randomBytes(32);
    const server = () => {
      const sessions = createSessions({ accounts, now });
      return createSignIn({ accounts, sessions, passwords, now, browserMarkKey });
    };
    await withUser('nurse');
    const before = await server().signIn({ name: 'anna', password, address });
    if (before.kind !== 'signed-in') return expect.fail(before.kind);
    const { signIn } = server();
    for (let i = 0; i < 5; i++) await signIn({ name: 'anna', password: 'wrong horse battery', address });
    expect(await signIn({ name: 'anna', password, address })).toMatchObject({ kind: 'wait' });
    const { browserMark } = before;
    expect(await signIn({ name: 'anna', password, address, browserMark })).toMatchObject({ kind: 'signed-in' });
  });

  it('lets nobody in again who is disabled while a new hash is made', async () => {
    const cheaper = createPasswords({ cost: { ln: 3, r: 8, p: 1 } });
    await addUser(accounts, cheaper, { name: 'anna', displayName: 'A', roles: ['nurse'], wardIds: [], password });
    const slow = {
      ...passwords,
      async hash(text: string) {
        await accounts.disable('anna', nowMs);
        return passwords.hash(text);
      },
    };
    const sessions = createSessions({ accounts, now });
    await createSignIn({ accounts, sessions, passwords: slow, now }).signIn({ name: 'anna', password, address });
    expect(await accounts.findUser('anna')).toMatchObject({ disabledAtMs: nowMs });
  });

  it('is told of, where many passwords are tried at a name, and where one of them was right', async () => {
    const told: string[] = [];
    await withUser('nurse');
    const { signIn } = createSignIn({
      accounts,
      sessions: createSessions({ accounts, now }),
      passwords,
      now,
      tellOwner: async (_userId, what) => void told.push(what),
    });
    const guess = (i: number, text = 'wrong horse battery') =>
      signIn({ name: 'anna', password: text, address: `192.0.2.${i}` });
    for (let i = 0; i < 9; i++) await guess(i);
    expect(told).toEqual([]);
    for (let i = 9; i < 15; i++) await guess(i);
    expect(told).toEqual(['guessed-at']);
    expect(await guess(15, password)).toMatchObject({ kind: 'signed-in' });
    expect(told).toEqual(['guessed-at', 'signed-in-after-guesses']);
    for (let i = 0; i < 12; i++) await signIn({ name: 'nobody', password, address: `192.0.3.${i}` });
    expect(told).toHaveLength(2);
  });

  it('is known at a computer where a colleague signed in last, whatever strangers do', async () => {
    const { signIn, browserMark } = await signedIn('nurse');
    await addUser(accounts, passwords, { name: 'berta', displayName: 'B', roles: ['nurse'], wardIds: [], password });
    for (let i = 0; i < 5; i++) await signIn({ name: 'berta', password: 'wrong horse battery', address });
    expect(await signIn({ name: 'berta', password, address })).toMatchObject({ kind: 'wait' });
    expect(await signIn({ name: 'berta', password, address, browserMark })).toMatchObject({ kind: 'signed-in' });
  });

  it('with an account of their own, guesses at a colleague’s no faster, however many browsers they sign in with', async () => {
    const { signIn } = await signedIn('nurse');
    await addUser(accounts, passwords, { name: 'berta', displayName: 'B', roles: ['nurse'], wardIds: [], password });
    const outcomes: string[] = [];
    for (let i = 0; i < 8; i++) {
      const own = await signIn({ name: 'anna', password, address });
      if (own.kind !== 'signed-in') return expect.fail(own.kind);
      const { browserMark } = own;
      outcomes.push((await signIn({ name: 'berta', password: 'wrong horse battery', address, browserMark })).kind);
    }
    expect(outcomes).toEqual([...Array(5).fill('refused'), 'wait', 'wait', 'wait']);
  });

  it('stores a new hash where the old one was made cheaper', async () => {
    const cheaper = createPasswords({ cost: { ln: 3, r: 8, p: 1 } });
    await addUser(accounts, cheaper, { name: 'anna', displayName: 'A', roles: ['nurse'], wardIds: [], password });
    await fresh().signIn({ name: 'anna', password, address });
    expect((await accounts.findUser('anna'))?.passwordHash).toContain('ln=4');
    expect(await fresh().signIn({ name: 'anna', password, address })).toMatchObject({ kind: 'signed-in' });
  });
});

describe('a session', () => {
  it('ends when it is idle, and lives while it is used', async () => {
    const { authenticate, secret } = await signedIn('nurse');
    for (let i = 0; i < 6; i++) {
      nowMs += 25 * MINUTE;
      expect(await authenticate(secret)).toBeDefined();
    }
    nowMs += 30 * MINUTE;
    expect(await authenticate(secret)).toBeUndefined();
  });

  it('ends after one long shift, however busy', async () => {
    const { authenticate, secret } = await signedIn('nurse');
    for (let i = 0; i < 12 * 60 - 1; i++) {
      nowMs += MINUTE;
      expect(await authenticate(secret)).toBeDefined();
    }
    nowMs += MINUTE;
    expect(await authenticate(secret)).toBeUndefined();
  });

  it('of a kiosk outlives a night without network, and a month', async () => {
    const { authenticate, secret } = await signedIn('kiosk');
    nowMs += 11 * HOUR;
    expect(await authenticate(secret)).toBeDefined();
    nowMs += 12 * HOUR;
    expect(await authenticate(secret)).toBeUndefined();
  });

  it('of a nurse who may also use kiosks is a nurse’s', async () => {
    const { authenticate, secret } = await signedIn('kiosk', 'nurse');
    nowMs += 30 * MINUTE;
    expect(await authenticate(secret)).toBeUndefined();
  });

  it('ends at once when its owner signs out', async () => {
    const { authenticate, signOut, secret } = await signedIn('nurse');
    await authenticate(secret);
    await signOut(secret);
    expect(await authenticate(secret)).toBeUndefined();
  });

  it('ends within 5 s when another process revokes it or disables its user', async () => {
    const { authenticate, secret, signIn } = await signedIn('nurse');
    const second = await signIn({ name: 'anna', password, address });
    if (second.kind !== 'signed-in') return expect.fail(second.kind);
    await authenticate(secret);
    await authenticate(second.secret);
    await accounts.revokeToken(sha256Of(secret), nowMs);
    nowMs += 5000;
    expect(await authenticate(secret)).toBeUndefined();
    expect(await authenticate(second.secret)).toBeDefined();
    await accounts.disable('anna', nowMs);
    nowMs += 5000;
    expect(await authenticate(second.secret)).toBeUndefined();
  });

  it('is asked for once in 5 s, however many requests come with it, and kept alive once a minute', async () => {
    const { authenticate, secret } = await signedIn('nurse');
    await Promise.all(Array.from({ length: 50 }, () => authenticate(secret)));
    for (let i = 0; i < 60; i++) {
      nowMs += 1000;
      await authenticate(secret);
    }
    expect(asked.filter((call) => call === 'findToken').length).toBeLessThanOrEqual(13);
    expect(asked.filter((call) => call === 'touchToken').length).toBeLessThanOrEqual(1);
  });

  it('stays good for ten minutes while the database is away, and no longer', async () => {
    const { authenticate, secret } = await signedIn('nurse');
    await authenticate(secret);
    isAway = true;
    nowMs += 9 * MINUTE;
    expect(await authenticate(secret)).toBeDefined();
    nowMs += 2 * MINUTE;
    await expect(authenticate(secret)).rejects.toMatchObject({ code: 'database-unavailable' });
    isAway = false;
    expect(await authenticate(secret)).toBeDefined();
  });

  it('that nobody ever had is nobody’s, and one that is no secret of ours is not even looked up', async () => {
    const { authenticate } = await withUser('nurse');
    expect(await authenticate(`hss_${'A'.repeat(43)}`)).toBeUndefined();
    expect(asked).toEqual(['findToken']);
    for (const text of ['', 'hss_', `hsd_${'A'.repeat(43)}`, 'A'.repeat(100_000)])
      expect(await authenticate(text)).toBeUndefined();
    expect(asked).toEqual(['findToken']);
  });
});

describe('a token for scripts', () => {
  it('is good until its day, without idle limit, and acts under its role’s name', async () => {
    const { sessions, authenticate } = fresh();
    const { secret } = await sessions.createApiToken(await scriptUser(accounts, 'physician'), 10 * 24 * HOUR);
    nowMs += 9 * 24 * HOUR;
    expect(await authenticate(secret)).toMatchObject({
      kind: 'api',
      roles: ['physician'],
      displayName: 'Script (physician)',
    });
    nowMs += 24 * HOUR;
    expect(await authenticate(secret)).toBeUndefined();
  });
});

describe('the first tokens of a role', () => {
  it('made at once belong to one user', async () => {
    const made = await Promise.all([1, 2, 3].map(() => scriptUser(accounts, 'nurse')));
    expect(new Set(made.map(({ id }) => id)).size).toBe(1);
  });
});

describe('the first account', () => {
  const wanted = { name: 'chief', displayName: 'Chief', password, address };

  it('is made with the one-time code, signs in at once, and may administer and watch', async () => {
    const { offerSetup, setUp, authenticate, signIn } = fresh();
    const offer = await offerSetup();
    const outcome = await setUp({ ...wanted, code: offer?.code ?? '' });
    if (outcome.kind !== 'made' || outcome.step.kind !== 'signed-in') return expect.fail(outcome.kind);
    expect((await authenticate(outcome.step.secret))?.roles).toContain('admin');
    expect(await signIn({ name: 'chief', password, address })).toMatchObject({ kind: 'signed-in' });
  });

  it('is offered though scripts have tokens already', async () => {
    await scriptUser(accounts, 'physician');
    const { offerSetup, setUp } = fresh();
    expect(await setUp({ ...wanted, code: (await offerSetup())?.code ?? '' })).toMatchObject({ kind: 'made' });
  });

  it('is made once: the code is used up, and no further is offered', async () => {
    const { offerSetup, setUp } = fresh();
    const code = (await offerSetup())?.code ?? '';
    const both = await Promise.all([setUp({ ...wanted, code }), setUp({ ...wanted, name: 'second', code })]);
    expect(both.map(({ kind }) => kind).sort()).toEqual(['made', 'refused']);
    expect(await offerSetup()).toBeUndefined();
    expect(await setUp({ ...wanted, name: 'third', code })).toEqual({ kind: 'refused' });
  });

  it('is not made with another code, or a day later', async () => {
    const { offerSetup, setUp } = fresh();
    const code = (await offerSetup())?.code ?? '';
    expect(await setUp({ ...wanted, code: 'x' })).toEqual({ kind: 'refused' });
    nowMs += 24 * HOUR;
    expect(await setUp({ ...wanted, code })).toEqual({ kind: 'refused' });
  });

  it('may be tried again with the same code after an unfit name or password', async () => {
    const { offerSetup, setUp } = fresh();
    const code = (await offerSetup())?.code ?? '';
    expect(await setUp({ ...wanted, code, password: 'short' })).toMatchObject({ kind: 'unfit', field: 'password' });
    expect(await setUp({ ...wanted, code, name: 'a b' })).toMatchObject({ kind: 'unfit', field: 'name' });
    expect(await setUp({ ...wanted, code, displayName: 'a\u202eb' })).toMatchObject({ kind: 'unfit', field: 'name' });
    expect(await setUp({ ...wanted, code })).toMatchObject({ kind: 'made' });
  });
});
