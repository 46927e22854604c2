import { describe, expect, it } from 'vitest';
import { createMemoryAccounts } from '../adapters/memory/memory-accounts.ts';
import type { Accounts } from '../ports/accounts.ts';
import { createOwnPassword } from './own-password.ts';
import { createPasswords } from './passwords.ts';
import { createSessions } from './sessions.ts';
import { createSignIn } from './sign-in.ts';
import { addUser } from './users.ts';

const OLD = 'correct horse battery';
const NEW = 'an orange umbrella';

/** `meanwhile`: what somebody else does while the new password is hashed. */
async function house(meanwhile?: (accounts: Accounts) => Promise<unknown>) {
  const accounts = createMemoryAccounts();
  const endedApps: string[] = [];
  const told: string[] = [];
  const passwords = createPasswords({ cost: { ln: 4, r: 8, p: 1 } });
  const sessions = createSessions({ accounts, now: Date.now });
  const signIn = createSignIn({ accounts, sessions, passwords, now: Date.now });
  const change = createOwnPassword({
    accounts,
    passwords: {
      async hash(password) {
        await meanwhile?.(accounts);
        return passwords.hash(password);
      },
    },
    sessions,
    signIn,
    endApps: async (userId) => void endedApps.push(userId),
    tellOwner: async (_userId, change) => void told.push(change),
  });
  await addUser(accounts, passwords, {
    name: 'anna',
    displayName: 'Anna',
    roles: ['nurse'],
    wardIds: [],
    password: OLD,
  });
  const enter = async (password: string) => signIn.signIn({ name: 'anna', password, address: '192.0.2.1' });
  const first = await enter(OLD);
  if (first.kind !== 'signed-in') return expect.fail(first.kind);
  const ask = (current: string, wanted: string) =>
    change({ principal: first.principal, secret: first.secret, current, wanted, address: '192.0.2.1' });
  return { accounts, sessions, signIn, enter, first, ask, endedApps, told };
}

describe('changing one’s own password', () => {
  it('ends what was open with the old one, and goes on here with a session of its own', async () => {
    const { sessions, enter, first, ask } = await house();
    const elsewhere = await enter(OLD);
    const changed = await ask(OLD, NEW);
    if (changed.kind !== 'changed' || changed.step.kind !== 'signed-in') return expect.fail(changed.kind);
    expect(changed.step.secret).not.toBe(first.secret);
    expect(await sessions.authenticate(changed.step.secret)).toMatchObject({ name: 'anna', factors: ['password'] });
    expect(await sessions.authenticate(first.secret)).toBeUndefined();
    expect(await sessions.authenticate(elsewhere.kind === 'signed-in' ? elsewhere.secret : '')).toBeUndefined();
    expect((await enter(OLD)).kind).toBe('refused');
    expect((await enter(NEW)).kind).toBe('signed-in');
  });

  it('ends what was half open with the old one, and the apps that were let in', async () => {
    const { accounts, sessions, signIn, first, ask, endedApps, told } = await house();
    const anna = (await accounts.findUser('anna')) ?? expect.fail('nobody');
    const pending = await sessions.openPending(anna, ['password']);
    expect(await signIn.findPending(pending)).toBeDefined();
    await ask(OLD, NEW);
    expect(await signIn.findPending(pending)).toBeUndefined();
    expect([endedApps, told]).toEqual([[first.principal.userId], ['password']]);
  });

  it('brings back no role that is taken away meanwhile', async () => {
    const { accounts, ask } = await house(async (accounts) => {
      const anna = (await accounts.findUser('anna')) ?? expect.fail('nobody');
      await accounts.putUser({ ...anna, roles: [] });
    });
    expect((await ask(OLD, NEW)).kind).toBe('changed');
    expect(await accounts.findUser('anna')).toMatchObject({ roles: [] });
  });

  it('lets nobody in again who is disabled meanwhile', async () => {
    const { accounts, enter, ask } = await house((accounts) => accounts.disable('anna', 1));
    expect((await ask(OLD, NEW)).kind).toBe('refused');
    expect(await accounts.findUser('anna')).toMatchObject({ disabledAtMs: 1 });
    expect((await enter(NEW)).kind).toBe('refused');
  });

  it('is for whoever knows the one there is, and that is guessed no faster than at the door', async () => {
    const { enter, ask } = await house();
    expect(await ask('a wrong one, surely', NEW)).toEqual({ kind: 'refused' });
    for (let tries = 0; tries < 5; tries++) await ask('a wrong one, surely', NEW);
    expect(await ask(OLD, NEW)).toMatchObject({ kind: 'wait' });
    expect((await enter(NEW)).kind).not.toBe('signed-in');
  });

  it.each([
    [OLD, 'is the one you have'],
    ['short', 'expected at least 12 characters'],
    ['anna is my name, is it', undefined],
    ['password1234', expect.stringContaining('guessed too easily')],
  ])('to %j is judged like any other', async (wanted, detail) => {
    const { enter, ask } = await house();
    const outcome = await ask(OLD, wanted);
    if (detail === undefined) expect(outcome).toMatchObject({ kind: 'unfit' });
    else expect(outcome).toEqual({ kind: 'unfit', detail });
    expect((await enter(OLD)).kind).toBe('signed-in');
  });
});
