import { describe, expect, it } from 'vitest';
import { entryOf, HOUR_MS, MONDAY, type Said, watched } from './test-entries.ts';

describe('repeated refusals', () => {
  const refused = (i: number, said: Said = {}): Said => ({
    atMs: MONDAY + 9 * HOUR_MS + i * 20_000,
    outcome: 'denied',
    patientId: `P${i}`,
    ...said,
  });

  it('are told of from the fifth patient on', () => {
    const one = watched();
    for (let i = 0; i < 4; i++) one.does(refused(i));
    expect(one.told()).toEqual([]);
    one.does(refused(4));
    expect(one.told()[0]).toMatchObject({ kind: 'repeated-denials', score: 45, evidence: [0, 1, 2, 3, 4] });
  });

  it('are none at one patient again and again, nor where a fresh proof was asked for', () => {
    const one = watched();
    for (let i = 0; i < 40; i++) one.does(refused(i, { patientId: 'P1' }));
    for (let i = 0; i < 40; i++) one.does(refused(i, { policies: ['stale-second-factor'] }));
    expect(one.told()).toEqual([]);
  });

  it('are an address’s where nobody is signed in: many names, or many doors; not an expired page', () => {
    const stranger = { name: '?' };
    const strangers = (make: (i: number) => Said, many: number) => {
      const one = watched({ roles: [] });
      for (let i = 0; i < many; i++) {
        const said = make(i);
        const entry = entryOf(i, said);
        const { userId: _, sessionId: __, ...actor } = entry.actor;
        one.does({ ...said, actor: { ...actor, ...stranger, userId: undefined as never } });
      }
      return one;
    };
    const said = (i: number, more: Said): Said => ({
      atMs: MONDAY + 9 * HOUR_MS + i * 1_000,
      outcome: 'denied',
      ...more,
    });
    const spraying = strangers((i) => said(i, { action: 'session.sign-in', detail: { account: `user${i}` } }), 4);
    expect(spraying.told()[0]).toMatchObject({ kind: 'repeated-denials', person: { name: '10.0.0.7' } });
    const probing = strangers((i) => said(i, { action: 'x', detail: { method: 'GET', route: `/api/${i}` } }), 15);
    expect(probing.told()[0]?.reasons[0]).toMatchObject({ code: 'doors-tried' });
    const expired = strangers((i) => said(i, { action: 'x', detail: { method: 'GET', route: `/api/${i % 4}` } }), 300);
    expect(expired.told()).toEqual([]);
    const mistyped = strangers((i) => said(i, { action: 'session.sign-in', detail: { account: 'nora' } }), 6);
    expect(mistyped.told()).toEqual([]);
  });
});

describe('emergency access', () => {
  it('is told of from the fourth a day on, more with each', () => {
    const one = watched();
    const scores = Array.from({ length: 6 }, (_, i) => {
      one.does({ atMs: MONDAY + (8 + i) * HOUR_MS, action: 'break-glass.use', patientId: `P${i}` });
      return one.told()[0]?.score;
    });
    expect(scores).toEqual([undefined, undefined, undefined, 50, 60, 70]);
    expect(one.kinds()).toEqual(['break-glass-rate']);
  });
});
