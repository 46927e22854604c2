import { beforeEach, describe, expect, it } from 'vitest';
import type { UserId } from '../domain/ids.ts';
import type { Accounts } from './accounts.ts';
import type { SecondFactors, StoredPasskey, StoredTotp } from './second-factors.ts';

/** What every `SecondFactors` must do. `make` answers with an empty one, and the accounts it belongs to. */
export function secondFactorsContract(
  engine: string,
  make: () => Promise<{ readonly factors: SecondFactors; readonly accounts: Pick<Accounts, 'putUser'> }>,
): void {
  describe(`${engine} for second factors`, () => {
    let factors: SecondFactors;
    beforeEach(async () => {
      const made = await make();
      factors = made.factors;
      for (const [id, name] of [
        [NOOR, 'noor'],
        [ADA, 'ada'],
      ] as const)
        await made.accounts.putUser({ id, name, displayName: name, roles: ['nurse'], wardIds: [] });
    });

    it('lists what a person has, oldest first, and nobody else’s', async () => {
      await factors.add(PASSKEY);
      await factors.add(TOTP);
      await factors.add({ ...TOTP, id: 'f-9', userId: ADA });
      expect(await factors.list(NOOR)).toEqual([TOTP, PASSKEY]);
    });

    it('finds a passkey by what the browser calls it, and takes it once', async () => {
      expect(await factors.add(PASSKEY)).toBe('added');
      expect(await factors.add({ ...PASSKEY, id: 'f-8', userId: ADA })).toBe('taken');
      expect(await factors.findPasskey('cred-1')).toEqual(PASSKEY);
      expect(await factors.findPasskey('cred-2')).toBeUndefined();
    });

    it('lets a step be used once, and none before it', async () => {
      await factors.add(TOTP);
      const use = (step: number) => factors.useStep({ id: TOTP.id, step, atMs: T + step });
      const together = await Promise.all([use(100), use(100), use(100)]);
      expect(together.filter(Boolean)).toHaveLength(1);
      expect([await use(100), await use(99), await use(101)]).toEqual([false, false, true]);
      expect(await factors.list(NOOR)).toMatchObject([{ usedAtMs: T + 101 }]);
      expect(await factors.useStep({ id: 'f-none', step: 1, atMs: T })).toBe(false);
    });

    it('refuses a passkey whose counter does not rise, unless it never counts', async () => {
      await factors.add(PASSKEY);
      const use = (counter: number) => factors.usePasskey({ id: PASSKEY.id, counter, atMs: T });
      expect([await use(6), await use(6), await use(5), await use(0)]).toEqual([true, false, false, false]);
      await factors.add({ ...PASSKEY, id: 'f-3', credentialId: 'cred-3', counter: 0 });
      const uncounted = () => factors.usePasskey({ id: 'f-3', counter: 0, atMs: T });
      expect([await uncounted(), await uncounted()]).toEqual([true, true]);
    });

    it('removes only what is this person’s own', async () => {
      await factors.add(TOTP);
      expect(await factors.remove({ userId: ADA, id: TOTP.id })).toBe(false);
      expect(await factors.remove({ userId: NOOR, id: TOTP.id })).toBe(true);
      expect(await factors.list(NOOR)).toEqual([]);
    });

    it('lets a recovery code be used once, by its owner, until there are new ones', async () => {
      await factors.putRecoveryCodes(NOOR, ['aa', 'bb']);
      const use = (userId: UserId, sha256: string) => factors.useRecoveryCode({ userId, sha256, atMs: T });
      expect(await use(ADA, 'aa')).toBe(false);
      const together = await Promise.all([use(NOOR, 'aa'), use(NOOR, 'aa')]);
      expect(together.filter(Boolean)).toHaveLength(1);
      expect(await factors.recoveryCodesLeft(NOOR)).toBe(1);
      await factors.putRecoveryCodes(NOOR, ['cc']);
      expect([await use(NOOR, 'bb'), await use(NOOR, 'cc')]).toEqual([false, true]);
    });

    it('clears all of a person, and nothing of others', async () => {
      await factors.add(TOTP);
      await factors.putRecoveryCodes(NOOR, ['aa']);
      await factors.add({ ...PASSKEY, userId: ADA });
      await factors.clear(NOOR);
      expect(await factors.list(NOOR)).toEqual([]);
      expect(await factors.recoveryCodesLeft(NOOR)).toBe(0);
      expect(await factors.list(ADA)).toHaveLength(1);
    });

    it('lets a ticket be spent once', async () => {
      const spend = () => factors.spend({ sha256: 't1', expiresAtMs: T + 60_000, nowMs: T });
      const together = await Promise.all([spend(), spend(), spend()]);
      expect(together.filter(Boolean)).toHaveLength(1);
      expect(await spend()).toBe(false);
    });

    it('knows a ticket that was spent when the clock jumps a day ahead and back', async () => {
      const spend = (sha256: string, nowMs: number) => factors.spend({ sha256, expiresAtMs: nowMs + 60_000, nowMs });
      await spend('t2', T);
      await spend('t3', T + 86_400_000);
      expect(await spend('t2', T)).toBe(false);
    });
  });
}

const T = Date.UTC(2026, 10, 22, 1, 2, 3, 456);
const NOOR = 'U-1' as UserId;
const ADA = 'U-2' as UserId;
const TOTP: StoredTotp = { kind: 'totp', id: 'f-1', userId: NOOR, label: 'phone', createdAtMs: T, secret: 'sealed' };
const PASSKEY: StoredPasskey = {
  kind: 'passkey',
  id: 'f-2',
  userId: NOOR,
  label: 'badge',
  createdAtMs: T + 1,
  credentialId: 'cred-1',
  publicKey: Uint8Array.of(1, 2, 255),
  counter: 5,
  transports: ['usb', 'nfc'],
};
