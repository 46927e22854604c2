import { beforeEach, describe, expect, it } from 'vitest';
import type { RotaId, UserId, WardId } from '../domain/ids.ts';
import type { KeptOverride, Rotas } from './rotas.ts';

/** What every `Rotas` must do. `makeRotas` answers with an empty one. */
export function rotasContract(engine: string, makeRotas: () => Promise<Rotas>): void {
  describe(`${engine} for rotas`, () => {
    let rotas: Rotas;
    beforeEach(async () => {
      rotas = await makeRotas();
    });
    const put = (over: Partial<Parameters<Rotas['put']>[0]> = {}) =>
      rotas.put({ rota: ROTA, retired: false, by: 'Ada', reason: 'first', atMs: T, ...over });

    it('keeps a rota as it was given, with who set it and why', async () => {
      const kept = { ...ROTA, version: 1, retired: false, setBy: 'Ada', setAtMs: T, reason: 'first' };
      expect(await put()).toEqual({ kind: 'kept', rota: kept });
      expect(await rotas.list()).toEqual([kept]);
      expect(await rotas.find(ROTA.id)).toEqual(kept);
      expect(await rotas.find('R9' as RotaId)).toBeUndefined();
    });

    it('keeps every version, the newest in force', async () => {
      await put();
      await put({ rota: { ...ROTA, name: 'Nights' }, reason: 'renamed', by: 'Ben', atMs: T + 1 });
      expect((await rotas.versions(ROTA.id)).map(({ version, name, setBy }) => [version, name, setBy])).toEqual([
        [2, 'Nights', 'Ben'],
        [1, 'Medicine', 'Ada'],
      ]);
      expect((await rotas.list()).map(({ version }) => version)).toEqual([2]);
    });

    it('tells whoever worked from an old version that another came between', async () => {
      await put();
      await put({ from: 1 });
      expect(await put({ from: 1 })).toMatchObject({ kind: 'changed-meanwhile', version: 2, atMs: T });
      expect(await put({ from: 2 })).toMatchObject({ kind: 'kept' });
      const both = await Promise.all([put({ from: 3 }), put({ from: 3 })]);
      expect(both.map(({ kind }) => kind).sort()).toEqual(['changed-meanwhile', 'kept']);
    });

    it('leaves a retired rota out, and keeps its versions', async () => {
      await put();
      await put({ retired: true, reason: 'ward closed' });
      expect(await rotas.list()).toEqual([]);
      expect(await rotas.find(ROTA.id)).toMatchObject({ retired: true });
      expect(await rotas.versions(ROTA.id)).toHaveLength(2);
    });

    it('finds the overrides that touch a period', async () => {
      await rotas.addOverride(OVERRIDE);
      await rotas.addOverride({ ...OVERRIDE, id: 'o2', fromMs: T + 100, toMs: T + 200 });
      const found = async (fromMs: number, toMs: number) =>
        (await rotas.overrides({ fromMs, toMs })).map(({ id }) => id);
      expect(await rotas.overrides({ fromMs: T, toMs: T + 1 })).toEqual([OVERRIDE]);
      expect(await found(T + 10, T + 100)).toEqual([]);
      expect(await found(T + 9, T + 101)).toEqual(['o1', 'o2']);
    });

    it('withdraws an override once, and only of its own rota', async () => {
      await rotas.addOverride(OVERRIDE);
      const request = { rotaId: ROTA.id, id: 'o1', by: 'Ada', atMs: T };
      expect(await rotas.withdrawOverride({ ...request, rotaId: 'R9' as RotaId })).toBe(false);
      expect(await rotas.withdrawOverride(request)).toBe(true);
      expect(await rotas.withdrawOverride(request)).toBe(false);
      expect(await rotas.overrides({ fromMs: T, toMs: T + 1 })).toEqual([]);
    });
  });
}

const T = Date.UTC(2026, 10, 22, 1, 2, 3, 456);
const ROTA = {
  id: 'R1' as RotaId,
  name: 'Medicine',
  wardIds: ['W3'] as WardId[],
  zone: 'Europe/Berlin',
  layers: [
    {
      name: 'first',
      people: ['ada', 'ben'] as UserId[],
      startsOn: '2026-11-02',
      handoverAt: '08:00',
      turnDays: 7,
      hours: [{ weekdays: [1, 2], from: '19:00', to: '07:00' }],
    },
  ],
};
const OVERRIDE: KeptOverride = {
  id: 'o1',
  rotaId: ROTA.id,
  layer: 'first',
  userId: 'cleo' as UserId,
  fromMs: T,
  toMs: T + 10,
  reason: 'ill',
  madeBy: 'Ada',
  madeAtMs: T - 5,
};
