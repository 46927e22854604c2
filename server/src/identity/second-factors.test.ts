import { randomBytes } from 'node:crypto';
import { Secret, TOTP } from 'otpauth';
import { beforeEach, describe, expect, it } from 'vitest';
import { createMemoryAccounts } from '../adapters/memory/memory-accounts.ts';
import { createMemorySecondFactors } from '../adapters/memory/memory-second-factors.ts';
import type { Role } from '../domain/access.ts';
import type { Accounts } from '../ports/accounts.ts';
import { createPasswords } from './passwords.ts';
import { createSeal } from './seal.ts';
import { createSecondFactorDesk } from './second-factors.ts';
import { createSessions } from './sessions.ts';
import { createSignIn } from './sign-in.ts';
import { createTickets } from './tickets.ts';
import { addUser } from './users.ts';

const password = 'correct horse battery';
const address = '10.0.0.7';
const MINUTE = 60_000;

let nowMs: number;
let accounts: Accounts;
const now = () => nowMs;
const passwords = createPasswords({ cost: { ln: 4, r: 8, p: 1 } });

/** What owners were told of. */
const told: string[] = [];

beforeEach(() => {
  told.length = 0;
  nowMs = Date.parse('2026-11-22T03:00:00Z');
  accounts = createMemoryAccounts();
});

async function house(...roles: readonly Role[]) {
  const seal = createSeal(randomBytes(32));
  const store = createMemorySecondFactors();
  const tickets = createTickets({ seal, store, now });
  const desk = createSecondFactorDesk({ store, seal, tickets, now });
  const sessions = createSessions({ accounts, now, secondFactorRoles: ['admin'] });
  const signIn = createSignIn({
    accounts,
    sessions,
    passwords,
    now,
    secondFactor: { desk, roles: ['admin'] },
    tellOwner: async (_userId, change) => void told.push(change),
  });
  await addUser(accounts, passwords, { name: 'anna', displayName: 'Anna B.', roles, wardIds: [], password });
  const anna = await accounts.findUser('anna');
  return { ...signIn, desk, sessions, store, anna: anna ?? expect.fail('no user') };
}
type House = Awaited<ReturnType<typeof house>>;

const codeOf = (secret: string, atMs = nowMs) =>
  new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp: atMs });

/** Anna has an app for codes. */
async function enrolled({ desk, anna }: House) {
  const { ticket, secret } = await desk.beginTotp(anna);
  const outcome = await desk.confirmTotp(anna, { ticket, code: codeOf(secret), label: 'Phone' });
  if (outcome.kind !== 'added') return expect.fail(outcome.kind);
  nowMs += 30_000; // the code that confirmed it was used by that
  return { secret, recoveryCodes: outcome.recoveryCodes ?? [] };
}

async function passwordShown(service: House) {
  const owed = await service.signIn({ name: 'anna', password, address });
  return owed.kind === 'second-factor' || owed.kind === 'enrol' ? owed.pending : expect.fail(owed.kind);
}

const totp = (code: string) => ({ kind: 'totp', code }) as const;

describe('somebody whose roles demand a second factor', () => {
  it('must enrol one before they are in; with that they are', async () => {
    const service = await house('admin');
    const owed = await service.signIn({ name: 'anna', password, address });
    expect(owed).toMatchObject({ kind: 'enrol' });
    const pending = owed.kind === 'enrol' ? owed.pending : '';
    expect(await service.enrolling(pending)).toMatchObject({ name: 'anna' });
    await enrolled(service);
    const opened = await service.enrolled(pending, 'totp');
    expect(opened?.principal).toMatchObject({ factors: ['password', 'totp'], mfaAtMs: nowMs });
  });

  it('is asked for it from then on, also when no role demands it any more', async () => {
    const service = await house('admin');
    const { secret } = await enrolled(service);
    await accounts.putUser({ ...service.anna, roles: ['nurse'] });
    const pending = await passwordShown(service);
    const opened = await service.answer({ pending, answer: totp(codeOf(secret)), address });
    expect(opened).toMatchObject({ kind: 'signed-in', principal: { factors: ['password', 'totp'] } });
  });
});

describe('a password alone', () => {
  it('is not enough any more the moment somebody is given a role that demands more', async () => {
    const service = await house('nurse');
    const opened = await service.signIn({ name: 'anna', password, address });
    const secret = opened.kind === 'signed-in' ? opened.secret : '';
    expect(await service.authenticate(secret)).toBeDefined();
    await accounts.putUser({ ...service.anna, roles: ['nurse', 'admin'] });
    nowMs += 5_000;
    expect(await service.authenticate(secret)).toBeUndefined();
  });

  it('opens nothing where a second factor is owed, whatever it is shown as', async () => {
    const service = await house('nurse');
    await enrolled(service);
    const pending = await passwordShown(service);
    expect(await service.authenticate(pending)).toBeUndefined();
    expect(await service.authenticate(pending.replace('hsp_', 'hss_'))).toBeUndefined();
    expect(await service.stepUp({ secret: pending, answer: { kind: 'password', password }, address })).toEqual({
      kind: 'refused',
    });
  });

  it('enrols no second factor beside the one that must be shown', async () => {
    const service = await house('admin');
    await enrolled(service);
    expect(await service.enrolling(await passwordShown(service))).toBeUndefined();
  });

  it('does where nobody demands more and nothing was enrolled', async () => {
    const service = await house('nurse');
    const opened = await service.signIn({ name: 'anna', password, address });
    expect(opened).toMatchObject({ kind: 'signed-in', principal: { factors: ['password'] } });
    expect(opened.kind === 'signed-in' && 'mfaAtMs' in opened.principal).toBe(false);
  });

  it('is forgotten after ten minutes', async () => {
    const service = await house('nurse');
    const { secret } = await enrolled(service);
    const pending = await passwordShown(service);
    nowMs += 10 * MINUTE;
    expect(await service.answer({ pending, answer: totp(codeOf(secret)), address })).toEqual({ kind: 'too-old' });
  });
});

describe('a one-time password', () => {
  it('is good once, however often it is seen', async () => {
    const service = await house('nurse');
    const { secret } = await enrolled(service);
    const code = codeOf(secret);
    const first = await passwordShown(service);
    const second = await passwordShown(service);
    expect(await service.answer({ pending: first, answer: totp(code), address })).toMatchObject({ kind: 'signed-in' });
    expect(await service.answer({ pending: second, answer: totp(code), address })).toEqual({ kind: 'refused' });
    expect(await service.answer({ pending: first, answer: totp(codeOf(secret, nowMs + 30_000)), address })).toEqual({
      kind: 'too-old',
    });
  });

  it('may be a step early or late, and no more', async () => {
    const service = await house('nurse');
    const { secret } = await enrolled(service);
    nowMs += 10 * MINUTE;
    const answerAt = async (atMs: number) =>
      (await service.answer({ pending: await passwordShown(service), answer: totp(codeOf(secret, atMs)), address }))
        .kind;
    expect(await answerAt(nowMs - 60_000)).toBe('refused');
    expect(await answerAt(nowMs + 60_000)).toBe('refused');
    expect(await answerAt(nowMs - 30_000)).toBe('signed-in');
    expect(await answerAt(nowMs + 30_000)).toBe('signed-in');
    expect(await answerAt(nowMs)).toBe('refused'); // a later one was used already
  });

  it('cannot be guessed: after five tries each costs a wait, also with the right code, also from elsewhere', async () => {
    const service = await house('nurse');
    const { secret } = await enrolled(service);
    const tryOnce = async (code: string, from: string) =>
      (await service.answer({ pending: await passwordShown(service), answer: totp(code), address: from })).kind;
    const wrong = codeOf(secret) === '000000' ? '000001' : '000000';
    for (let i = 0; i < 5; i++) expect(await tryOnce(wrong, address)).toBe('refused');
    expect(await tryOnce(codeOf(secret), address)).toBe('wait');
    for (let i = 0; i < 5; i++) await tryOnce(wrong, `10.0.1.${i}`);
    expect(await tryOnce(codeOf(secret), '10.0.9.9')).toBe('wait');
  });

  it('that others guess at does not keep out a browser that signed in before', async () => {
    const service = await house('nurse');
    const { secret } = await enrolled(service);
    const first = await service.answer({
      pending: await passwordShown(service),
      answer: totp(codeOf(secret)),
      address,
    });
    const browserMark = first.kind === 'signed-in' ? first.browserMark : '';
    for (let i = 0; i < 12; i++)
      await service.answer({ pending: await passwordShown(service), answer: totp('000000'), address: `10.0.1.${i}` });
    nowMs += 30_000;
    const pending = await passwordShown(service);
    expect(await service.answer({ pending, answer: totp(codeOf(secret)), address, browserMark })).toMatchObject({
      kind: 'signed-in',
    });
  });

  it('of one person is nobody else’s', async () => {
    const service = await house('nurse');
    const { secret } = await enrolled(service);
    await addUser(accounts, passwords, { name: 'ben', displayName: 'B', roles: ['nurse'], wardIds: [], password });
    const ben = (await accounts.findUser('ben')) ?? expect.fail();
    expect(await service.desk.judge(ben, totp(codeOf(secret)), undefined)).toBe(false);
  });

  it('cannot be enrolled for somebody else, nor twice with one ticket, nor with a ticket that was touched', async () => {
    const service = await house('nurse');
    await addUser(accounts, passwords, { name: 'ben', displayName: 'B', roles: ['nurse'], wardIds: [], password });
    const ben = (await accounts.findUser('ben')) ?? expect.fail();
    const { desk, anna } = service;
    const { ticket, secret } = await desk.beginTotp(anna);
    const answer = { ticket, code: codeOf(secret), label: 'Phone' };
    expect(await desk.confirmTotp(ben, answer)).toEqual({ kind: 'too-old' });
    expect(await desk.confirmTotp(anna, { ...answer, ticket: `${ticket.slice(0, -2)}AA` })).toEqual({
      kind: 'too-old',
    });
    expect(await desk.confirmTotp(anna, { ...answer, code: '000000' })).toEqual({ kind: 'wrong' });
    expect(await desk.confirmTotp(anna, answer)).toMatchObject({ kind: 'added' });
    expect(await desk.confirmTotp(anna, answer)).toEqual({ kind: 'too-old' });
  });
});

describe('a second factor that is given up', () => {
  it('ends what its owner has open elsewhere, half a sign-in too, and neither this session nor keys', async () => {
    const service = await house('nurse');
    const { secret } = await enrolled(service);
    const enter = async () => {
      nowMs += 30_000;
      const answer = totp(codeOf(secret));
      const opened = await service.answer({ pending: await passwordShown(service), answer, address });
      return opened.kind === 'signed-in' ? opened.secret : expect.fail(opened.kind);
    };
    const [here, there] = [await enter(), await enter()];
    const half = await passwordShown(service);
    const key = (await service.sessions.createApiToken(service.anna, 60 * MINUTE)).secret;
    await service.removedHere(here);
    expect(await service.authenticate(there)).toBeUndefined();
    expect(await service.findPending(half)).toBeUndefined();
    for (const kept of [here, key]) expect(await service.authenticate(kept)).toBeDefined();
  });
});

it('whose password is known, and whose codes are guessed at, is told, once', async () => {
  const service = await house('nurse');
  const { secret } = await enrolled(service);
  const wrong = codeOf(secret) === '000000' ? '000001' : '000000';
  const guess = async () => service.answer({ pending: await passwordShown(service), answer: totp(wrong), address });
  for (let i = 0; i < 2; i++) await guess();
  expect(told).toEqual([]);
  for (let i = 0; i < 3; i++) await guess();
  expect(told).toEqual(['password-known']);
});

describe('a recovery code', () => {
  it('stands in once for a lost factor, however it is typed', async () => {
    const service = await house('nurse');
    const { recoveryCodes } = await enrolled(service);
    expect(recoveryCodes).toHaveLength(10);
    // 24 characters of Crockford's base 32: 120 bits.
    for (const code of recoveryCodes) expect(code).toMatch(/^([0-9a-hjkmnp-tv-z]{4}-){5}[0-9a-hjkmnp-tv-z]{4}$/);
    const typed = ` ${(recoveryCodes[0] ?? '').toUpperCase().replaceAll('-', ' ').replaceAll('0', 'O')} `;
    const use = async () =>
      service.answer({ pending: await passwordShown(service), answer: { kind: 'recovery', code: typed }, address });
    expect(await use()).toMatchObject({ kind: 'signed-in', principal: { factors: ['password', 'recovery'] } });
    expect(await use()).toEqual({ kind: 'refused' });
    expect((await service.desk.factorsOf(service.anna.id)).recoveryCodesLeft).toBe(9);
  });

  it('is not made to wait by who guesses codes from everywhere', async () => {
    const service = await house('nurse');
    const { recoveryCodes } = await enrolled(service);
    const answer = async (what: { kind: 'totp' | 'recovery'; code: string }, from: string) =>
      (await service.answer({ pending: await passwordShown(service), answer: what, address: from })).kind;
    for (let i = 0; i < 12; i++) await answer({ kind: 'totp', code: '000000' }, `192.0.2.${i}`);
    expect(await answer({ kind: 'totp', code: '000000' }, '198.51.100.7')).toBe('wait');
    expect(await answer({ kind: 'recovery', code: recoveryCodes[0] ?? '' }, '198.51.100.7')).toBe('signed-in');
  });

  it('is worthless once there are new ones', async () => {
    const service = await house('nurse');
    const { recoveryCodes } = await enrolled(service);
    await service.desk.renewRecoveryCodes(service.anna.id);
    expect(await service.desk.judge(service.anna, { kind: 'recovery', code: recoveryCodes[1] ?? '' }, undefined)).toBe(
      false,
    );
  });
});

describe('a fresh proof', () => {
  it('stands on the session at once, and on no other', async () => {
    const service = await house('nurse');
    const { secret } = await enrolled(service);
    const open = async () => {
      const opened = await service.answer({
        pending: await passwordShown(service),
        answer: totp(codeOf(secret)),
        address,
      });
      nowMs += 30_000;
      return opened.kind === 'signed-in' ? opened : expect.fail(opened.kind);
    };
    const [mine, other] = [await open(), await open()];
    nowMs += 20 * MINUTE;
    const proven = await service.stepUp({ secret: mine.secret, answer: totp(codeOf(secret)), address });
    expect(proven).toMatchObject({ kind: 'proven', principal: { mfaAtMs: nowMs } });
    expect((await service.authenticate(mine.secret))?.mfaAtMs).toBe(nowMs);
    expect((await service.authenticate(other.secret))?.mfaAtMs).toBeLessThan(nowMs - 19 * MINUTE);
  });

  it('by password is no second factor', async () => {
    const service = await house('nurse');
    const opened = await service.signIn({ name: 'anna', password, address });
    const secret = opened.kind === 'signed-in' ? opened.secret : '';
    nowMs += 20 * MINUTE;
    const proven = await service.stepUp({ secret, answer: { kind: 'password', password }, address });
    expect(proven).toMatchObject({ kind: 'proven', principal: { authenticatedAtMs: nowMs } });
    expect(proven.kind === 'proven' && 'mfaAtMs' in proven.principal).toBe(false);
    expect(await service.stepUp({ secret, answer: { kind: 'password', password: 'wrong one here' }, address })).toEqual(
      {
        kind: 'refused',
      },
    );
  });
});
