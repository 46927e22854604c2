import { describe, expect, it } from 'vitest';
import { HOUR_MS, MINUTE_MS, MONDAY, type Said, watched } from './test-entries.ts';

describe('export volume', () => {
  const reads = (bytes: number, minute: number): Said => ({
    atMs: MONDAY + 9 * HOUR_MS + minute * MINUTE_MS,
    action: 'vitals.read',
    patientId: 'P1',
    detail: { bytes },
  });

  it('is told of beyond what is installed, with how much', () => {
    const one = watched();
    for (let i = 0; i < 30; i++) one.does(reads(1_000_000, i));
    const [finding] = one.told();
    expect(finding).toMatchObject({ kind: 'export-volume' });
    expect(finding?.reasons[0]?.text).toMatch(/\d+\.\d MB of patients’ data handed out within an hour/);
  });

  it('is not what a page a minute comes to in a night, nor what is not of patients', () => {
    const one = watched();
    for (let i = 0; i < 600; i++) one.does(reads(100_000, i));
    for (let i = 0; i < 60; i++) one.does({ ...reads(10_000_000, 600 + i), action: 'audit.read' });
    expect(one.told()).toEqual([]);
  });

  it('leaves a system ten times as much', () => {
    const one = watched({ roles: ['integration'] });
    for (let i = 0; i < 150; i++) one.does({ ...reads(1_000_000, i / 3), actor: { kind: 'service' } });
    expect(one.told()).toEqual([]);
    for (let i = 0; i < 150; i++) one.does({ ...reads(1_000_000, 50), actor: { kind: 'service' } });
    expect(one.kinds()).toEqual(['export-volume']);
  });

  it('counts whole records that were exported: some a day, and not many', () => {
    const one = watched();
    const exported = (i: number): Said => ({
      ...reads(0, i),
      action: 'command.patient.export',
      patientId: `P${i}`,
      actor: { name: 'shell:root' },
    });
    for (let i = 0; i < 5; i++) one.does(exported(i));
    expect(one.kinds()).not.toContain('export-volume');
    one.does(exported(5));
    expect(one.told().find(({ kind }) => kind === 'export-volume')?.reasons[0]).toMatchObject({
      code: 'records-exported',
    });
  });
});
