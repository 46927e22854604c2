import { beforeEach, describe, expect, it } from 'vitest';
import type { UserId, WardId } from '../domain/ids.ts';
import type { Accounts } from './accounts.ts';
import { CONTACTS_MAX, type Contacts } from './contacts.ts';

export interface ContactsWorld {
  readonly contacts: Contacts;
  /** Empty. */
  readonly accounts: Accounts;
}

/** What every `Contacts` must do. */
export function contactsContract(engine: string, makeWorld: () => Promise<ContactsWorld>): void {
  describe(`${engine} for contacts`, () => {
    let contacts: Contacts;
    let accounts: Accounts;
    beforeEach(async () => {
      ({ contacts, accounts } = await makeWorld());
      for (const [id, name] of [
        [NOOR, 'noor'],
        [BEN, 'ben'],
      ] as const)
        await accounts.putUser({ id, name, displayName: name, roles: ['nurse'], wardIds: ['W3' as WardId] });
    });
    const put = (userId: UserId, address = 'noor@x', channel = 'smtp') =>
      contacts.put({ userId, channel, address, atMs: T });
    const start = (userId: UserId, codeSha256 = 'right', expiresAtMs = T + 900_000, address = 'noor@x') =>
      contacts.startVerification({ userId, channel: 'smtp', address, codeSha256, expiresAtMs, atMs: T });
    const verify = (userId: UserId, codeSha256 = 'right', atMs = T + 1, address = 'noor@x') =>
      contacts.verify({ userId, channel: 'smtp', address, codeSha256, atMs, triesMax: 3 });
    const verified = async (userId: UserId, address = 'noor@x') => {
      await put(userId, address);
      await start(userId, 'right', T + 900_000, address);
      return await verify(userId, 'right', T + 1, address);
    };

    it('keeps them in order, unverified, and reaches nobody by them', async () => {
      expect(await put(NOOR)).toBe('added');
      expect(await contacts.put({ userId: NOOR, channel: 'sms', address: '+4930', minPriority: 'high', atMs: T })).toBe(
        'added',
      );
      expect(await contacts.ofUser(NOOR)).toEqual([
        { userId: NOOR, channel: 'smtp', address: 'noor@x', verified: false },
        { userId: NOOR, channel: 'sms', address: '+4930', verified: false, minPriority: 'high' },
      ]);
      expect(await contacts.of([NOOR])).toEqual([]);
      expect(await contacts.userOf('smtp', 'noor@x')).toBeUndefined();
    });

    it('a code proves an address; then it reaches, and answers from it are theirs', async () => {
      expect(await verified(NOOR)).toBe('verified');
      expect(await contacts.of([NOOR, BEN])).toEqual([
        { userId: NOOR, channel: 'smtp', address: 'noor@x', verified: true, verifiedBy: 'code' },
      ]);
      expect(await contacts.userOf('smtp', 'noor@x')).toBe(NOOR);
      expect(await contacts.userOf('sms', 'noor@x')).toBeUndefined();
    });

    it('a change keeps what was verified', async () => {
      await verified(NOOR);
      expect(
        await contacts.put({ userId: NOOR, channel: 'smtp', address: 'noor@x', minPriority: 'medium', atMs: T }),
      ).toBe('changed');
      expect(await contacts.of([NOOR])).toMatchObject([{ verified: true, minPriority: 'medium' }]);
      await put(NOOR);
      expect((await contacts.of([NOOR]))[0]).not.toHaveProperty('minPriority');
    });

    it('a wrong code is counted, and too many end it', async () => {
      await put(NOOR);
      await start(NOOR);
      expect([await verify(NOOR, 'a'), await verify(NOOR, 'b'), await verify(NOOR, 'c'), await verify(NOOR)]).toEqual([
        'wrong',
        'wrong',
        'wrong',
        'expired',
      ]);
      await start(NOOR);
      expect(await verify(NOOR)).toBe('verified');
    });

    it('a code is good for its time, once, and not before it was sent', async () => {
      await put(NOOR);
      expect(await verify(NOOR)).toBe('expired');
      await start(NOOR, 'right', T + 100);
      expect(await verify(NOOR, 'right', T + 100)).toBe('expired');
      await start(NOOR, 'first');
      await start(NOOR, 'second');
      expect(await verify(NOOR, 'first')).toBe('wrong');
      expect(await verify(NOOR, 'second')).toBe('verified');
      expect(await verify(NOOR, 'second')).toBe('expired');
    });

    it('an address is one person’s: claims of others wait, and cannot be proved', async () => {
      expect(await put(BEN)).toBe('added');
      expect(await verified(NOOR)).toBe('verified');
      await start(BEN);
      expect(await verify(BEN)).toBe('taken');
      expect(await contacts.vouch({ userId: BEN, channel: 'smtp', address: 'noor@x', by: 'admin', atMs: T })).toBe(
        'taken',
      );
      expect(await contacts.userOf('smtp', 'noor@x')).toBe(NOOR);
      expect(await contacts.remove({ userId: NOOR, channel: 'smtp', address: 'noor@x', atMs: T })).toBe(true);
      expect(await contacts.vouch({ userId: BEN, channel: 'smtp', address: 'noor@x', by: 'admin', atMs: T })).toBe(
        'verified',
      );
      expect(await contacts.userOf('smtp', 'noor@x')).toBe(BEN);
    });

    it('of two who prove the same at once one has it', async () => {
      await put(NOOR);
      await put(BEN);
      await start(NOOR);
      await start(BEN);
      expect((await Promise.all([verify(NOOR), verify(BEN)])).sort()).toEqual(['taken', 'verified']);
    });

    it('somebody may vouch; what is not there cannot be proved or vouched for', async () => {
      const contact = { userId: NOOR, channel: 'smtp', address: 'noor@x' };
      expect(await contacts.vouch({ ...contact, by: 'channel', atMs: T })).toBe('not-found');
      expect(await start(NOOR)).toBe('not-found');
      expect(await verify(NOOR)).toBe('not-found');
      expect(await contacts.remove({ ...contact, atMs: T })).toBe(false);
      await put(NOOR);
      expect(await contacts.vouch({ ...contact, by: 'channel', atMs: T })).toBe('verified');
      expect(await contacts.vouch({ ...contact, by: 'admin', atMs: T })).toBe('verified');
      expect(await contacts.of([NOOR])).toMatchObject([{ verifiedBy: 'channel' }]);
    });

    it('a list is replaced as a whole, from the version it was made from, or not at all', async () => {
      const mail = { channel: 'smtp', address: 'noor@x' };
      const made = (by: string, from?: number) => ({ by, atMs: T, ...(from !== undefined && { from }) });
      expect(await contacts.versionOf(NOOR)).toBe(0);
      expect(await contacts.replace(NOOR, [mail], made('Noor', 4))).toEqual({ kind: 'changed-meanwhile', version: 0 });
      expect(await contacts.replace(NOOR, [mail], made('Noor'))).toEqual({ kind: 'kept', version: 1 });
      await start(NOOR);
      await verify(NOOR);
      const changed = { kind: 'changed-meanwhile', version: 1, by: 'Noor', atMs: T };
      expect(await contacts.replace(NOOR, [], made('Admin', 0))).toEqual(changed);
      const second = { channel: 'sms', address: '+49301', minPriority: 'high' as const };
      const both = await Promise.all([
        contacts.replace(NOOR, [mail, second], made('Noor', 1)),
        contacts.replace(NOOR, [mail, second], made('Admin', 1)),
      ]);
      expect(both.map(({ kind }) => kind).sort()).toEqual(['changed-meanwhile', 'kept']);
      expect(await contacts.ofUser(NOOR)).toMatchObject([
        { ...mail, verified: true },
        { ...second, verified: false },
      ]);
      // What is somebody else's spoils the whole.
      const taken = [second, { ...mail, vouchedBy: 'admin' as const }];
      expect(await contacts.replace(BEN, taken, made('Admin'))).toEqual({ kind: 'taken', at: [1] });
      expect([await contacts.ofUser(BEN), await contacts.versionOf(BEN)]).toEqual([[], 0]);
      // A change of one entry counts, too.
      await contacts.remove({ userId: NOOR, ...mail, atMs: T });
      expect(await contacts.versionOf(NOOR)).toBe(3);
    });

    it('one person has no more than a bound', async () => {
      for (let i = 0; i < CONTACTS_MAX; i++) expect(await put(NOOR, `a${i}@x`)).toBe('added');
      expect(await put(NOOR, 'more@x')).toBe('too-many');
      expect(await put(NOOR, 'a0@x')).toBe('changed');
      expect(await put(BEN, 'more@x')).toBe('added');
    });

    it('knows people with their wards and rights, and leaves out who is disabled', async () => {
      await verified(NOOR);
      await verified(BEN, 'ben@x');
      await accounts.putUser({ id: BEN, name: 'ben', displayName: 'ben', roles: ['operator'], wardIds: [] });
      const way = (address: string) => [{ channel: 'smtp', address }];
      expect(await contacts.people([NOOR, BEN, 'U-none' as UserId])).toEqual(
        new Map([
          [NOOR, { wardIds: ['W3'], roles: ['nurse'], contacts: way('noor@x') }],
          [BEN, { wardIds: [], roles: ['operator'], contacts: way('ben@x') }],
        ]),
      );
      await accounts.disable('noor', T);
      expect([...(await contacts.people([NOOR, BEN])).keys()]).toEqual([BEN]);
      expect(await contacts.of([NOOR])).toEqual([]);
      expect(await contacts.of([])).toEqual([]);
      expect(await contacts.people([])).toEqual(new Map());
    });
  });
}

const T = Date.UTC(2026, 10, 22, 1, 2, 3);
const NOOR = 'U-noor' as UserId;
const BEN = 'U-ben' as UserId;
