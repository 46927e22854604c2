import { beforeEach, describe, expect, it } from 'vitest';
import { DEFAULT_TENANT, type TenantId, type UserId, type WardId } from '../domain/ids.ts';
import type { NewUserRecord, UserDirectory } from './user-directory.ts';

/** What every `UserDirectory` must do. `make` answers with an empty one. */
export function userDirectoryContract(engine: string, make: () => Promise<UserDirectory>): void {
  describe(`${engine} for accounts as they are managed`, () => {
    let directory: UserDirectory;
    beforeEach(async () => {
      directory = await make();
    });

    it('adds somebody under a name that nobody has', async () => {
      const outcome = await directory.add(NOOR);
      expect(outcome).toMatchObject({ kind: 'added', user: { ...NOOR, revision: 1, hasPassword: false } });
      expect(await directory.add({ ...NOOR, id: 'u-2' as UserId })).toEqual({ kind: 'taken' });
      expect(await directory.find(NOOR.id)).toMatchObject(NOOR);
      expect(await directory.find('u-2' as UserId)).toBeUndefined();
    });

    it('changes what is named, once per revision', async () => {
      await directory.add(NOOR);
      const change = (roles: NewUserRecord['roles']) => directory.change(NOOR.id, { roles }, 1);
      const both = await Promise.all([change(['admin']), change(['kiosk'])]);
      expect(both.map(({ kind }) => kind).sort()).toEqual(['changed', 'stale']);
      expect(await directory.find(NOOR.id)).toMatchObject({ displayName: NOOR.displayName, revision: 2 });
      expect(await directory.change('u-9' as UserId, { roles: [] })).toEqual({ kind: 'not-found' });
      expect(await directory.change(NOOR.id, {}, 1)).toEqual({ kind: 'stale' });
    });

    it('disables, enables, and frees what is taken away', async () => {
      await directory.add(NOOR);
      await directory.change(NOOR.id, { disabledAtMs: T, externalId: null });
      const gone = await directory.find(NOOR.id);
      expect([gone?.disabledAtMs, gone?.externalId]).toEqual([T, undefined]);
      await directory.change(NOOR.id, { disabledAtMs: null });
      expect((await directory.find(NOOR.id))?.disabledAtMs).toBeUndefined();
    });

    it('lets nobody take another’s name', async () => {
      await directory.add(NOOR);
      await directory.add({ ...NOOR, id: 'u-2' as UserId, name: 'ada' });
      expect(await directory.change('u-2' as UserId, { name: 'noor' })).toEqual({ kind: 'taken' });
    });

    it('lists by organisation, source and name, page by page', async () => {
      await directory.add(NOOR);
      await directory.add({ ...NOOR, id: 'u-2' as UserId, name: 'ada', source: 'local' });
      await directory.add({ ...NOOR, id: 'u-3' as UserId, name: 'ben', tenantId: 'north' as TenantId });
      await directory.add({ ...NOOR, id: 'u-4' as UserId, name: 'cem', profile: { isRemoved: true } });
      const names = async (query: Partial<Parameters<UserDirectory['list']>[0]>) => {
        const { total, users } = await directory.list({ offset: 0, limit: 10, ...query });
        return [total, users.map(({ name }) => name)];
      };
      expect(await names({})).toEqual([4, ['ada', 'ben', 'cem', 'noor']]);
      expect(await names({ offset: 1, limit: 2 })).toEqual([4, ['ben', 'cem']]);
      expect(await names({ tenantId: DEFAULT_TENANT, source: 'directory' })).toEqual([1, ['noor']]);
      expect(await names({ by: { field: 'externalId', value: 'x-1' } })).toEqual([4, ['ada', 'ben', 'cem', 'noor']]);
      expect(await names({ by: { field: 'name', value: "o'; drop table app_user" } })).toEqual([0, []]);
    });

    it('finds by words, wherever they stand, and within wards', async () => {
      await directory.add({ ...NOOR, roles: ['charge-nurse'] });
      const ada = {
        ...NOOR,
        id: 'u-2' as UserId,
        name: 'ada',
        displayName: 'Ada Öz',
        wardIds: ['w3', 'w4'] as WardId[],
      };
      await directory.add(ada);
      await directory.add({ ...NOOR, id: 'u-3' as UserId, name: 'ben', displayName: '50%_off', wardIds: [] });
      const names = async (query: Partial<Parameters<UserDirectory['list']>[0]>) => {
        const { total, users } = await directory.list({ offset: 0, limit: 10, ...query });
        return [total, users.map(({ name }) => name)];
      };
      expect(await names({ words: ["O'BRIEN", 'charge', 'nurse'] })).toEqual([1, ['noor']]);
      expect(await names({ words: ['charge-nurse'] })).toEqual([1, ['noor']]);
      expect(await names({ words: ['w4'] })).toEqual([1, ['ada']]);
      expect(await names({ words: ['%_'] })).toEqual([1, ['ben']]);
      expect(await names({ words: ['%'], limit: 0 })).toEqual([1, []]);
      expect(await names({ words: ['nobody'] })).toEqual([0, []]);
      expect(await names({ words: [] })).toEqual([3, ['ada', 'ben', 'noor']]);
      expect(await names({ within: ['w3' as WardId] })).toEqual([1, ['noor']]);
      expect(await names({ within: ['w4', 'w3'] as WardId[] })).toEqual([2, ['ada', 'noor']]);
      expect(await names({ within: [] })).toEqual([0, []]);
    });

    it('knows a person by what another provider calls them, the first link alone', async () => {
      await directory.add(NOOR);
      await directory.add({ ...NOOR, id: 'u-2' as UserId, name: 'ada' });
      await directory.link({ issuer: 'https://a', subject: 's', userId: NOOR.id });
      await directory.link({ issuer: 'https://a', subject: 's', userId: 'u-2' as UserId });
      expect(await directory.findFederated('https://a', 's')).toMatchObject({ id: NOOR.id });
      expect(await directory.findFederated('https://b', 's')).toBeUndefined();
    });

    it('lets an invitation be used once, in its time, the newest only, and by nobody who is disabled', async () => {
      await directory.add(NOOR);
      const put = (sha256: string) => directory.putInvitation({ sha256, userId: NOOR.id, expiresAtMs: T + 1000 });
      await put('old');
      await put('new');
      expect(await directory.claimInvitation('old', T)).toBeUndefined();
      expect(await directory.claimInvitation('new', T + 1000)).toBeUndefined();
      const both = await Promise.all([1, 2, 3].map(() => directory.claimInvitation('new', T)));
      expect(both.filter((user) => user?.id === NOOR.id)).toHaveLength(1);
      await put('third');
      await directory.change(NOOR.id, { disabledAtMs: T - 1 });
      expect(await directory.claimInvitation('third', T)).toBeUndefined();
    });

    it('keeps groups and who is in them; whom it does not know is left out', async () => {
      await directory.add(NOOR);
      expect(await directory.addGroup({ id: 'g-1', displayName: 'ICU', externalId: 'e', atMs: T })).toBe('added');
      expect(await directory.addGroup({ id: 'g-2', displayName: 'ICU', atMs: T })).toBe('taken');
      expect(await directory.changeGroup('g-1', { add: [NOOR.id, 'u-none'], atMs: T + 1 }, 1)).toBe('changed');
      expect(await directory.findGroup('g-1')).toEqual({
        id: 'g-1',
        displayName: 'ICU',
        externalId: 'e',
        revision: 2,
        createdAtMs: T,
        changedAtMs: T + 1,
        members: [{ id: NOOR.id, displayName: NOOR.displayName }],
      });
      expect(await directory.groupsOf(NOOR.id)).toEqual([{ id: 'g-1', displayName: 'ICU' }]);
      expect(await directory.changeGroup('g-1', { replace: [], atMs: T }, 1)).toBe('stale');
      expect(await directory.changeGroup('g-1', { replace: [], atMs: T }, 2)).toBe('changed');
      expect(await directory.groupsOf(NOOR.id)).toEqual([]);
      expect(await directory.changeGroup('g-9', { atMs: T })).toBe('not-found');
      await directory.addGroup({ id: 'g-3', displayName: 'IT', atMs: T });
      expect(await directory.changeGroup('g-3', { displayName: 'ICU', atMs: T })).toBe('taken');
      expect([await directory.removeGroup('g-1'), await directory.removeGroup('g-1')]).toEqual([true, false]);
      expect(await directory.groups({ offset: 0, limit: 10 })).toMatchObject({ total: 1, groups: [{ id: 'g-3' }] });
    });
  });
}

const T = Date.UTC(2026, 10, 22, 1, 2, 3, 456);
const NOOR: NewUserRecord = {
  id: 'u-1' as UserId,
  name: 'noor',
  displayName: "Noor O'Brien",
  roles: ['nurse'],
  wardIds: ['w3' as WardId],
  tenantId: DEFAULT_TENANT,
  source: 'directory',
  externalId: 'x-1',
  profile: { givenName: 'Noor', email: 'noor@hospital.example' },
};
