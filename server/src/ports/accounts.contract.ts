import { beforeEach, describe, expect, it } from 'vitest';
import type { TenantId, UserId, WardId } from '../domain/ids.ts';
import type { Accounts, StoredToken, User } from './accounts.ts';

/** What every `Accounts` must do. `makeAccounts` answers with an empty one. */
export function accountsContract(engine: string, makeAccounts: () => Promise<Accounts>): void {
  describe(`${engine} for accounts`, () => {
    let accounts: Accounts;
    beforeEach(async () => {
      accounts = await makeAccounts();
    });

    const signedIn = async (over: Partial<StoredToken> = {}) => {
      await accounts.putUser(NOOR);
      await accounts.addToken({ ...TOKEN, ...over });
    };

    it('finds a user by name, with the password', async () => {
      await accounts.putUser({ ...NOOR, passwordHash: 'hash-1' });
      expect(await accounts.findUser('noor')).toEqual({ ...NOOR, passwordHash: 'hash-1' });
      expect(await accounts.findUser('nobody')).toBeUndefined();
    });

    it('lists users without their passwords', async () => {
      await accounts.putUser({ ...NOOR, passwordHash: 'hash-1' });
      await accounts.putUser({ ...NOOR, id: 'U-2' as UserId, name: 'ada', wardIds: [] });
      expect(await accounts.users()).toEqual([{ ...NOOR, id: 'U-2', name: 'ada', wardIds: [] }, NOOR]);
    });

    it('changes a user, and keeps a password it was not given', async () => {
      await accounts.putUser({ ...NOOR, passwordHash: 'hash-1' });
      await accounts.putUser({ ...NOOR, roles: ['admin'] });
      expect(await accounts.findUser('noor')).toEqual({ ...NOOR, roles: ['admin'], passwordHash: 'hash-1' });
    });

    it('puts a password and nothing else, and none for who is not there or is disabled', async () => {
      await accounts.putUser({ ...NOOR, passwordHash: 'hash-1' });
      expect(await accounts.putPassword(NOOR.id, 'hash-2')).toBe(true);
      expect(await accounts.findUser('noor')).toEqual({ ...NOOR, passwordHash: 'hash-2' });
      expect(await accounts.putPassword('U-0' as UserId, 'hash-3')).toBe(false);
      await accounts.disable('noor', T);
      expect(await accounts.putPassword(NOOR.id, 'hash-3')).toBe(false);
      expect(await accounts.findUser('noor')).toMatchObject({ passwordHash: 'hash-2', disabledAtMs: T });
    });

    it('lets nobody take the name of another', async () => {
      await accounts.putUser(NOOR);
      await expect(accounts.putUser({ ...NOOR, id: 'U-2' as UserId })).rejects.toMatchObject({
        code: 'database-rejected',
      });
    });

    it('knows a token while it lives, with what its user may do now', async () => {
      await signedIn();
      await accounts.putUser({ ...NOOR, roles: ['physician'] });
      expect(await accounts.findToken('aa', T + 1)).toEqual({ token: TOKEN, user: { ...NOOR, roles: ['physician'] } });
      expect(await accounts.findToken('bb', T + 1)).toBeUndefined();
    });

    it('finds a user by id, without the password', async () => {
      await accounts.putUser({ ...NOOR, passwordHash: 'hash-1', tenantId: 'north' as TenantId });
      expect(await accounts.findUserById(NOOR.id)).toEqual({ ...NOOR, tenantId: 'north' });
      expect(await accounts.findUserById('U-0' as UserId)).toBeUndefined();
    });

    it('keeps with a token how and when its owner proved who they are, and what it is for', async () => {
      const proof = { authenticatedAtMs: T, factors: ['password', 'totp'], mfaAtMs: T + 5 } as const;
      const shown = { ...proof, scopes: ['api/alarm.read'], label: 'export' };
      await signedIn(shown);
      expect((await accounts.findToken('aa', T + 1))?.token).toEqual({ ...TOKEN, ...shown });
      await accounts.putProof('aa', { ...proof, mfaAtMs: T + 60 });
      expect((await accounts.findToken('aa', T + 1))?.token).toEqual({ ...TOKEN, ...shown, mfaAtMs: T + 60 });
    });

    it('lists and ends what somebody has open, of one kind or all', async () => {
      await signedIn();
      await accounts.addToken({ ...TOKEN, sha256: 'bb', kind: 'api', createdAtMs: T + 1 });
      await accounts.addToken({ ...TOKEN, sha256: 'cc', expiresAtMs: T + 1, idleExpiresAtMs: T + 1 });
      expect((await accounts.tokensOf(NOOR.id, T + 2)).map(({ sha256 }) => sha256)).toEqual(['bb', 'aa']);
      expect(await accounts.revokeTokensOf({ userId: NOOR.id, kind: 'session', atMs: T + 3 })).toBe(2);
      expect((await accounts.tokensOf(NOOR.id, T + 4)).map(({ sha256 }) => sha256)).toEqual(['bb']);
      expect(await accounts.revokeTokensOf({ userId: NOOR.id, atMs: T + 5 })).toBe(1);
      expect(await accounts.findToken('bb', T + 6)).toBeUndefined();
    });

    it('forgets a token that was idle, expired or revoked', async () => {
      await signedIn();
      expect(await accounts.findToken('aa', TOKEN.idleExpiresAtMs)).toBeUndefined();
      await accounts.touchToken('aa', { idleExpiresAtMs: T + 2 * HOUR, usedAtMs: T });
      expect(await accounts.findToken('aa', TOKEN.idleExpiresAtMs)).toBeDefined();
      await accounts.touchToken('aa', { idleExpiresAtMs: T + 99 * HOUR, usedAtMs: T });
      expect(await accounts.findToken('aa', TOKEN.expiresAtMs)).toBeUndefined();
      await accounts.revokeToken('aa', T + 2);
      expect(await accounts.findToken('aa', T + 3)).toBeUndefined();
    });

    it('keeps when a token was last used, and brings no end nearer by it', async () => {
      await signedIn();
      await accounts.touchToken('aa', { idleExpiresAtMs: T + 1, usedAtMs: T + 7 });
      const { token } = (await accounts.findToken('aa', TOKEN.idleExpiresAtMs - 1)) ?? {};
      expect(token).toEqual({ ...TOKEN, lastUsedAtMs: T + 7 });
    });

    it('lists the keys of an organisation with whose they are, and neither sessions nor what has ended', async () => {
      await signedIn();
      await accounts.addToken({ ...TOKEN, sha256: 'k1', kind: 'api', label: 'export' });
      await accounts.addToken({ ...TOKEN, sha256: 'k2', kind: 'api', createdAtMs: T + 1 });
      await accounts.addToken({ ...TOKEN, sha256: 'k3', kind: 'api' });
      await accounts.revokeToken('k3', T + 2);
      await accounts.putUser({ ...NOOR, id: 'U-9' as UserId, name: 'north', tenantId: 'north' as TenantId });
      await accounts.addToken({ ...TOKEN, sha256: 'k4', kind: 'api', userId: 'U-9' as UserId });
      const tenantId = 'default' as TenantId;
      const found = await accounts.apiKeys({ tenantId, nowMs: T + 3 });
      expect(found.map(({ token, owner }) => [token.sha256, token.label, owner.name])).toEqual([
        ['k2', undefined, 'noor'],
        ['k1', 'export', 'noor'],
      ]);
      expect(await accounts.apiKeys({ tenantId, nowMs: TOKEN.expiresAtMs })).toEqual([]);
    });

    it('knows which keys end soon and whose owner was not told, of keys that were made for long enough', async () => {
      await signedIn();
      const key = { ...TOKEN, kind: 'api', idleExpiresAtMs: T + 30 * DAY, expiresAtMs: T + 30 * DAY } as const;
      await accounts.addToken({ ...key, sha256: 'k1', expiresAtMs: T + 30 * DAY - 1 });
      await accounts.addToken({ ...key, sha256: 'k2', expiresAtMs: T + 29 * DAY, idleExpiresAtMs: T + 29 * DAY });
      await accounts.addToken({ ...key, sha256: 'short', createdAtMs: T + 3 * DAY });
      await accounts.addToken({ ...key, sha256: 'ended' });
      await accounts.revokeToken('ended', T + DAY);
      const ending = async (days: number, nowMs: number) =>
        (await accounts.keysEnding({ days, nowMs })).map(({ sha256 }) => sha256);
      expect(await ending(14, T + 15 * DAY - 1)).toEqual([]);
      expect(await ending(14, T + 16 * DAY)).toEqual(['k2', 'k1']);
      await accounts.noteEndTold('k2', 14);
      expect(await ending(14, T + 17 * DAY)).toEqual(['k1']);
      expect(await ending(3, T + 27 * DAY)).toEqual(['k2', 'k1', 'short']);
      await accounts.noteEndTold('k1', 3);
      expect([await ending(14, T + 28 * DAY), await ending(3, T + 28 * DAY)]).toEqual([[], ['k2', 'short']]);
      expect(await ending(3, T + 30 * DAY)).toEqual([]);
      await accounts.disable(NOOR.name, T + 28 * DAY);
      expect(await ending(3, T + 28 * DAY)).toEqual([]);
    });

    it('forgets the tokens of a user who was disabled', async () => {
      await signedIn();
      expect(await accounts.disable('noor', T + 5)).toBe(true);
      expect(await accounts.disable('noor', T + 6)).toBe(false);
      expect(await accounts.disable('nobody', T + 6)).toBe(false);
      expect(await accounts.findToken('aa', T + 5)).toBeUndefined();
      expect(await accounts.findUser('noor')).toMatchObject({ disabledAtMs: T + 5 });
    });

    it('lets the one-time link be used once, in its time, and only while nobody can sign in', async () => {
      await accounts.putSetup('code', T + HOUR);
      expect(await accounts.claimSetup('other', T)).toBe(false);
      expect(await accounts.claimSetup('code', T + HOUR)).toBe(false);
      const claims = await Promise.all([1, 2, 3].map(() => accounts.claimSetup('code', T)));
      expect(claims.filter(Boolean)).toHaveLength(1);
      await accounts.putSetup('second', T + HOUR);
      expect(await accounts.hasUsers()).toBe(false);
      await accounts.putUser({ ...NOOR, id: 'U-9' as UserId, name: 'script-nurse' });
      expect(await accounts.hasUsers()).toBe(false);
      await accounts.putUser({ ...NOOR, passwordHash: 'h' });
      expect(await accounts.hasUsers()).toBe(true);
      expect(await accounts.claimSetup('second', T)).toBe(false);
    });

    it('makes an older link worthless when it gives a new one', async () => {
      await accounts.putSetup('first', T + HOUR);
      await accounts.putSetup('second', T + HOUR);
      expect(await accounts.claimSetup('first', T)).toBe(false);
      expect(await accounts.claimSetup('second', T)).toBe(true);
    });
  });
}

const T = Date.UTC(2026, 10, 22, 1, 2, 3, 456);
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const NOOR: User = {
  id: 'U-1' as UserId,
  name: 'noor',
  displayName: "Noor O'Brien",
  roles: ['nurse', 'charge-nurse'],
  wardIds: ['W3' as WardId],
};
const TOKEN = {
  sha256: 'aa',
  kind: 'session',
  userId: NOOR.id,
  createdAtMs: T,
  idleExpiresAtMs: T + HOUR,
  expiresAtMs: T + 12 * HOUR,
} as const;
