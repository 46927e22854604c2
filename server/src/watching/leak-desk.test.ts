import { describe, expect, it } from 'vitest';
import type { PatientId } from '../domain/ids.ts';
import type { LeakHit } from '../domain/leak.ts';
import type { SecurityFinding } from '../domain/security-alert.ts';
import type { PatientIdentity } from '../ports/patient-identities.ts';
import type { Patient } from '../ports/registry.ts';
import { createLeakDesk, nextScan } from './leak-desk.ts';
import type { LeakScanJob } from './leak-scan.ts';

function desk(hits: readonly LeakHit[] = []) {
  const planted = new Map<PatientId, PatientIdentity>();
  const marked: PatientId[] = [];
  const raised: SecurityFinding[] = [];
  const jobs: LeakScanJob[] = [];
  const begun = new Set<string>();
  let next = 0;
  let fails = false;
  const one = createLeakDesk({
    scans: {
      async begin({ id }) {
        if (fails) {
          fails = false;
          throw new Error('no database');
        }
        return !begun.has(id) && begun.add(id).size > 0;
      },
      end: async () => undefined,
      list: async () => [],
      canaries: async () => [...planted.keys()].map((patientId) => ({ patientId, identity: Buffer.from(patientId) })),
      markCanary: async (id) => void marked.push(id),
    },
    alerts: {
      async raise(finding) {
        raised.push(finding);
        return [];
      },
    },
    identities: { open: async (id) => planted.get(id) },
    putPatient: async ({ id, ...patient }: Patient) => {
      expect(marked, 'marked before it is made: nobody is ever shown it').toContain(id);
      planted.set(id, patient);
    },
    patients: async () => [{ id: 'P1' as PatientId, familyName: 'Weber', givenName: 'Anna' }],
    users: async () => [],
    folders: ['/data'],
    bytesMax: 1,
    scan: async (job) => {
      jobs.push(job);
      return {
        files: 1,
        bytes: 1,
        tables: 1,
        rows: 1,
        canaries: 5,
        patients: 1,
        hits,
        found: hits.length,
        leftOut: [],
      };
    },
    onRaised: () => undefined,
    newId: () => `p-${next++}`,
    random: Math.random,
    now: () => 0,
  });
  const failNext = () => {
    fails = true;
  };
  const run = async (id: string) => (await one.begin(id))?.outcome;
  return { ...one, run, planted, raised, jobs, begun, failNext };
}

describe('made-up patients', () => {
  it('are planted once, with names of their own, and looked for with the real ones', async () => {
    const one = desk();
    expect(await one.plant()).toBe(5);
    expect(await one.plant()).toBe(0);
    expect(new Set([...one.planted.values()].map(({ familyName }) => familyName)).size).toBe(5);
    await one.run('a');
    expect(one.jobs[0]?.canaries).toHaveLength(5);
    expect(one.jobs[0]?.patients).toEqual([{ patientId: 'P1', familyName: 'Weber', givenName: 'Anna' }]);
  });
});

describe('a search', () => {
  const hit: LeakHit = { where: 'file', place: 'd/a.log', what: 'name', encoding: 'plain', patientId: 'P1' };

  it('that finds nothing alerts nobody', async () => {
    const one = desk();
    await one.run('a');
    expect(one.raised).toEqual([]);
  });

  it('that finds the same every night is one alert; in another place it is another', async () => {
    const [a, b, c] = [desk([hit]), desk([{ ...hit, offset: 9 }]), desk([{ ...hit, place: 'd/b.log' }])];
    for (const one of [a, b, c]) await one.run('a');
    const [first, again, other] = [a, b, c].map((one) => one.raised[0]?.id);
    expect(again).toBe(first);
    expect(other).not.toBe(first);
    expect(a.raised[0]?.reasons[0]?.text).toBe('1 finds in 1 places: d/a.log (plain).');
  });

  it('is done once under one name, by whichever process is first', async () => {
    const one = desk();
    expect(await one.run('night-2026-11-22')).toMatchObject({ found: 0 });
    expect(await one.run('night-2026-11-22')).toBeUndefined();
    expect(await one.run('night-2026-11-23'), 'that it was refused holds up no other').toMatchObject({ found: 0 });
  });

  it('is listed once it is said to have begun, and no second one begins meanwhile', async () => {
    const one = desk();
    const [first, second] = await Promise.all([one.begin('a'), one.begin('b')]);
    expect(second).toBeUndefined();
    expect([...one.begun]).toEqual(['a']);
    expect(one.isRunning()).toBe(true);
    await first?.outcome;
    expect(one.isRunning()).toBe(false);
  });

  it('that cannot be written down has not begun, and the next one may', async () => {
    const one = desk();
    one.failNext();
    await expect(one.begin('a')).rejects.toThrow('no database');
    expect(await one.run('b')).toMatchObject({ found: 0 });
  });
});

describe('the next search', () => {
  const at = (text: string) => Date.parse(text);
  const facts = { zone: 'Europe/Vienna', sinceMs: at('2026-11-20T12:00:00Z') };

  it('is tonight; after it has begun, the next night', () => {
    const nowMs = at('2026-11-22T01:00:00Z');
    const lastStartedAtMs = at('2026-11-21T02:30:00Z');
    expect(nextScan('03:30', { ...facts, nowMs, lastStartedAtMs })).toEqual({
      id: 'night-2026-11-22',
      dueAtMs: at('2026-11-22T02:30:00Z'),
    });
    const begun = at('2026-11-22T02:30:05Z');
    expect(nextScan('03:30', { ...facts, nowMs: begun, lastStartedAtMs: begun })).toMatchObject({
      id: 'night-2026-11-23',
    });
  });

  it('is made up for where the program was away, once', () => {
    const nowMs = at('2026-11-25T12:00:00Z');
    const lastStartedAtMs = at('2026-11-20T02:30:00Z');
    expect(nextScan('03:30', { ...facts, nowMs, lastStartedAtMs })?.dueAtMs).toBeLessThan(nowMs);
    expect(nextScan('03:30', { ...facts, nowMs, lastStartedAtMs: nowMs })?.dueAtMs).toBeGreaterThan(nowMs);
  });

  it('is not right at the first start, nor where it is off', () => {
    const nowMs = at('2026-11-20T12:00:01Z');
    expect(nextScan('03:30', { ...facts, nowMs })?.dueAtMs).toBeGreaterThan(nowMs);
    expect(nextScan('off', { ...facts, nowMs })).toBeUndefined();
  });
});
