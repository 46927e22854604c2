import { beforeEach, describe, expect, it } from 'vitest';
import type { BedId, PatientId, UserId, WardId } from '../domain/ids.ts';
import type { QuietHours } from '../domain/quiet-hours.ts';
import type { CareTeams, KeptAssignment } from './care-teams.ts';

/** What every `CareTeams` must do. `makeTeams` answers with an empty one. */
export function careTeamsContract(engine: string, makeTeams: () => Promise<CareTeams>): void {
  describe(`${engine} for care teams`, () => {
    let teams: CareTeams;
    beforeEach(async () => {
      teams = await makeTeams();
    });

    it('knows nothing of a ward before it was told', async () => {
      expect(await teams.team(WARD, T)).toBeUndefined();
    });

    it('keeps shifts and assignments as they were given', async () => {
      await teams.putShifts({ ...SHIFTS, by: 'Ada', atMs: T });
      await teams.assign(TONIGHT);
      const { toMs: _, ...standing } = { ...TONIGHT, id: 'a2', shift: 'day', fromMs: T + 1 };
      await teams.assign(standing);
      expect(await teams.team(WARD, T)).toEqual({ ...SHIFTS, version: 1, assignments: [TONIGHT, standing] });
      expect(await teams.team('W4' as WardId, T)).toBeUndefined();
    });

    it('replaces the shifts of a ward', async () => {
      await teams.putShifts({ ...SHIFTS, by: 'Ada', atMs: T });
      await teams.putShifts({ ...SHIFTS, zone: 'UTC', shifts: [], from: 1, by: 'Ben', atMs: T });
      expect(await teams.team(WARD, T)).toEqual({ wardId: WARD, zone: 'UTC', shifts: [], version: 2, assignments: [] });
    });

    it('of two who change the same shifts or quiet hours from one version, one is told whose came between', async () => {
      const owner = { kind: 'ward', wardId: WARD } as const;
      const shifts = (by: string, from?: number) =>
        teams.putShifts({ ...SHIFTS, ...(from !== undefined && { from }), by, atMs: T });
      const quiet = (by: string, from?: number) =>
        teams.putQuietHours({ owner, hours: QUIET, ...(from !== undefined && { from }), by, atMs: T });
      for (const put of [shifts, quiet]) {
        expect(await put('Ada', 3)).toEqual({ kind: 'changed-meanwhile', version: 0 });
        expect(await put('Ada')).toEqual({ kind: 'kept', version: 1 });
        const changed = { kind: 'changed-meanwhile', version: 1, by: 'Ada', atMs: T };
        expect(await put('Ben')).toEqual(changed);
        expect(await put('Ben', 0)).toEqual(changed);
        const both = await Promise.all([put('Ben', 1), put('Cem', 1)]);
        expect(both.map(({ kind }) => kind).sort()).toEqual(['changed-meanwhile', 'kept']);
      }
      expect((await teams.team(WARD, T))?.version).toBe(2);
      expect((await teams.quietHours({ wardId: WARD, userIds: [] })).ward?.version).toBe(2);
    });

    it('leaves out assignments that are over, and keeps those to come', async () => {
      await teams.assign(TONIGHT);
      await teams.assign({ ...TONIGHT, id: 'a2', fromMs: T + 1_000, toMs: T + 2_000 });
      const ids = async (atMs: number) => (await teams.team(WARD, atMs))?.assignments.map(({ id }) => id) ?? [];
      expect(await ids(T)).toEqual(['a1', 'a2']);
      expect(await ids(T + 10)).toEqual(['a2']);
    });

    it('ends an assignment once, and only in its own ward', async () => {
      await teams.assign(TONIGHT);
      const request = { wardId: WARD, id: 'a1', by: 'Ada', atMs: T + 1 };
      expect(await teams.endAssignment({ ...request, wardId: 'W4' as WardId })).toBe(false);
      expect(await teams.endAssignment({ ...request, atMs: T + 10 })).toBe(false);
      expect(await teams.endAssignment(request)).toBe(true);
      expect(await teams.endAssignment(request)).toBe(false);
      expect(await teams.team(WARD, T)).toBeUndefined();
    });

    it('keeps quiet hours of wards and of people, and finds those asked for', async () => {
      const nia = 'nia' as UserId;
      const put = (owner: Parameters<CareTeams['putQuietHours']>[0]['owner'], hours: QuietHours, from = 0) =>
        teams.putQuietHours({ owner, hours, from, by: 'Ada', atMs: T });
      await put({ kind: 'user', userId: nia }, QUIET);
      await put({ kind: 'user', userId: 'ben' as UserId }, QUIET);
      await put({ kind: 'ward', wardId: WARD }, { ...QUIET, zone: 'UTC' });
      expect(await teams.quietHours({ wardId: WARD, userIds: [nia] })).toEqual({
        ward: { ...QUIET, zone: 'UTC', version: 1 },
        users: new Map([[nia, { ...QUIET, version: 1 }]]),
      });
      await put({ kind: 'user', userId: nia }, { ...QUIET, windows: [] }, 1);
      expect((await teams.quietHours({ userIds: [nia] })).users.get(nia)?.windows).toEqual([]);
      expect(await teams.quietHours({ userIds: [] })).toEqual({ users: new Map() });
    });

    it('refuses quiet hours that name high alarms, whoever writes them', async () => {
      const [window] = QUIET.windows;
      const windows = [window, { ...window, priorities: ['low', 'high'] }] as unknown as QuietHours['windows'];
      const write = teams.putQuietHours({
        owner: { kind: 'ward', wardId: WARD },
        hours: { zone: 'UTC', windows },
        by: 'Ada',
        atMs: T,
      });
      await expect(write).rejects.toMatchObject({ code: 'database-rejected' });
    });
  });
}

const T = Date.UTC(2026, 10, 22, 1, 2, 3, 456);
const WARD = 'W3' as WardId;
const SHIFTS = { wardId: WARD, zone: 'Europe/Berlin', shifts: [{ name: 'day', from: '07:00', to: '19:30' }] };
const TONIGHT: KeptAssignment = {
  id: 'a1',
  wardId: WARD,
  role: 'nurse',
  userId: 'nia' as UserId,
  bedIds: ['B1', 'B2'] as BedId[],
  patientIds: ['P1'] as PatientId[],
  fromMs: T - 5,
  toMs: T + 10,
  madeBy: 'Ada',
  madeAtMs: T - 6,
};
const QUIET: QuietHours = {
  zone: 'Europe/Berlin',
  windows: [{ weekdays: [1, 7], from: '22:00', to: '06:00', priorities: ['medium', 'low'], effect: 'hold' }],
};
