import { randomBytes } from 'node:crypto';
import { Secret, TOTP } from 'otpauth';
import { beforeEach, describe, expect, it } from 'vitest';
import { createMemoryAccounts } from '../../server/src/adapters/memory/memory-accounts.ts';
import { createMemorySecondFactors } from '../../server/src/adapters/memory/memory-second-factors.ts';
import { createPasswords } from '../../server/src/identity/passwords.ts';
import { createSeal } from '../../server/src/identity/seal.ts';
import { createSecondFactorDesk } from '../../server/src/identity/second-factors.ts';
import { createSessions } from '../../server/src/identity/sessions.ts';
import { createSignIn } from '../../server/src/identity/sign-in.ts';
import { createTickets } from '../../server/src/identity/tickets.ts';
import { addUser } from '../../server/src/identity/users.ts';
import type { Accounts } from '../../server/src/ports/accounts.ts';
import { hasFreshProof } from '../../server/src/serve/fresh-proof.ts';

/** The server's clock jumps: by a battery that died, a wrong time server, somebody with the rights to set it. */
const DAY = 86_400_000;
const MINUTE = 60_000;
const password = 'correct horse battery';
const address = '10.0.0.7';
const passwords = createPasswords({ cost: { ln: 4, r: 8, p: 1 } });

let nowMs: number;
let accounts: Accounts;
const now = () => nowMs;

beforeEach(() => {
  nowMs = Date.parse('2026-11-22T12:00:00Z');
  accounts = createMemoryAccounts();
});

async function house() {
  const seal = createSeal(randomBytes(32));
  const store = createMemorySecondFactors();
  const tickets = createTickets({ seal, store, now });
  const desk = createSecondFactorDesk({ store, seal, tickets, now });
  const sessions = createSessions({ accounts, now });
  const signIn = createSignIn({ accounts, sessions, passwords, now, secondFactor: { desk, roles: [] } });
  await addUser(accounts, passwords, { name: 'anna', displayName: 'Anna', roles: ['nurse'], wardIds: [], password });
  const anna = (await accounts.findUser('anna')) ?? expect.fail('nobody');
  const open = async () => {
    const opened = await signIn.signIn({ name: 'anna', password, address });
    return opened.kind === 'signed-in' ? opened : expect.fail(opened.kind);
  };
  return { ...signIn, tickets, desk, sessions, anna, open };
}

describe('a clock that jumps a day ahead', () => {
  it('ends every session and every ticket, and nobody is in who need not sign in again', async () => {
    const { open, authenticate, tickets } = await house();
    const { secret } = await open();
    const { ticket } = tickets.issue('test', {});
    nowMs += DAY;
    expect(await authenticate(secret)).toBeUndefined();
    expect(tickets.read('test', ticket)).toBeUndefined();
    nowMs -= DAY;
    expect(tickets.read('test', ticket)).toBeDefined();
  });

  it('ends a token at its time, and brings back none that had ended', async () => {
    const { sessions, authenticate, anna } = await house();
    const { secret } = await sessions.createApiToken(anna, 60 * MINUTE);
    await sessions.end(secret);
    nowMs += DAY;
    expect(await authenticate(secret)).toBeUndefined();
    nowMs -= 2 * DAY;
    expect(await authenticate(secret)).toBeUndefined();
  });
});

describe('a clock that jumps a day back', () => {
  it('lengthens no session beyond the moment that was set when it began', async () => {
    const { open, authenticate } = await house();
    const { secret, principal } = await open();
    nowMs -= DAY;
    // Whoever watches a wall stays signed in: its alarms must go on.
    expect(await authenticate(secret)).toBeDefined();
    for (; nowMs < principal.authenticatedAtMs + 12 * 60 * MINUTE; nowMs += 10 * MINUTE) await authenticate(secret);
    expect(await authenticate(secret)).toBeUndefined();
  });

  it('makes no fresh proof of an old one: what is to come was never shown', async () => {
    const { open } = await house();
    const { principal } = await open();
    expect(hasFreshProof(principal, { hasFactor: false, nowMs })).toBe(true);
    expect(hasFreshProof(principal, { hasFactor: false, nowMs: nowMs - DAY })).toBe(false);
    expect(hasFreshProof({ ...principal, mfaAtMs: nowMs }, { hasFactor: true, nowMs: nowMs - MINUTE })).toBe(false);
  });

  it('makes no code good again, nor any of before it', async () => {
    const { desk, anna, signIn, answer } = await house();
    const { ticket, secret } = await desk.beginTotp(anna);
    const codeAt = (atMs: number) => new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp: atMs });
    await desk.confirmTotp(anna, { ticket, code: codeAt(nowMs), label: 'Phone' });
    nowMs += MINUTE;
    const show = async (code: string) => {
      const owed = await signIn({ name: 'anna', password, address });
      const pending = owed.kind === 'second-factor' ? owed.pending : expect.fail(owed.kind);
      return (await answer({ pending, answer: { kind: 'totp', code }, address })).kind;
    };
    const seen = codeAt(nowMs);
    expect(await show(seen)).toBe('signed-in');
    expect(await show(seen)).toBe('refused');
    nowMs -= DAY;
    expect(await show(codeAt(nowMs))).toBe('refused');
    nowMs += DAY + MINUTE;
    expect(await show(codeAt(nowMs))).toBe('signed-in');
  });

  it('keeps nobody out for that day who had to wait a second', async () => {
    const { signIn } = await house();
    for (let tries = 0; tries < 8; tries++) await signIn({ name: 'anna', password: 'wrong horse battery', address });
    expect((await signIn({ name: 'anna', password, address })).kind).toBe('wait');
    nowMs -= DAY;
    expect((await signIn({ name: 'anna', password, address })).kind).toBe('signed-in');
  });
});

describe('a clock that jumps to and fro', () => {
  it('makes no ticket good a second time', async () => {
    const { tickets } = await house();
    const { ticket } = tickets.issue('test', {});
    expect(await tickets.read('test', ticket)?.spend()).toBe(true);
    nowMs += DAY;
    // Others are spent meanwhile, and what is over is swept away.
    const other = tickets.issue('test', {}).ticket;
    expect(await tickets.read('test', other)?.spend()).toBe(true);
    nowMs -= DAY;
    expect(await tickets.read('test', ticket)?.spend()).toBe(false);
  });
});
