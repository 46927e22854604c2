import { describe, expect, it } from 'vitest';
import { HOUR_MS, MINUTE_MS, MONDAY, type Said, watched } from './test-entries.ts';

describe('impossible travel', () => {
  const VIENNA = { site: 'Vienna', latitude: 48.21, longitude: 16.37 };
  const GRAZ = { site: 'Graz', latitude: 47.07, longitude: 15.44 };
  const SYDNEY = { site: 'Sydney', latitude: -33.87, longitude: 151.21 };
  const at = (minutes: number): Said => ({ atMs: MONDAY + 9 * HOUR_MS + minutes * MINUTE_MS, action: 'own.use' });

  it('is between places that are too far apart for the time between', () => {
    const one = watched();
    one.does(at(0), { place: VIENNA });
    one.does(at(30), { place: GRAZ });
    const [finding] = one.told();
    expect(finding).toMatchObject({ kind: 'impossible-travel', score: 75, evidence: [0, 1] });
    expect(finding?.reasons[0]).toMatchObject({ code: 'too-far-too-soon', numbers: { minutes: 30 } });
    const { kilometres } = finding?.reasons[0]?.numbers ?? {};
    expect(kilometres).toBeGreaterThan(130);
  });

  it('is none by car in two hours, by plane in a day, within one site, or by a VPN that may be anywhere', () => {
    const cases = [
      [VIENNA, GRAZ, 120],
      [VIENNA, SYDNEY, 20 * 60],
      [VIENNA, { ...VIENNA, site: 'Vienna, house B', longitude: 16.375 }, 1],
      [VIENNA, { site: 'VPN' }, 1],
    ] as const;
    for (const [from, to, minutes] of cases) {
      const one = watched();
      one.does(at(0), { place: from });
      one.does(at(minutes), { place: to });
      expect(one.told(), to.site).toEqual([]);
    }
  });

  it('is one session that goes back and forth between networks, and none that changes over', () => {
    const from = (address: string, minute: number): Said => ({ ...at(minute), actor: { address } });
    const roaming = watched();
    for (const [minute, address] of ['10.0.0.7', '91.1.2.3', '10.0.0.7', '91.1.9.3'].entries())
      roaming.does(from(address, minute));
    expect(roaming.told()).toEqual([]);
    const stolen = watched();
    for (const [minute, address] of ['10.0.0.7', '91.1.2.3', '10.0.0.8', '91.1.2.3', '10.0.0.7'].entries())
      stolen.does(from(address, minute));
    expect(stolen.told()[0]?.reasons[0]).toMatchObject({
      code: 'session-in-two-places',
      numbers: { networks: 2, returns: 3 },
    });
  });

  it('is none of a computer that uses both kinds of addresses side by side, nor of one that renews its own', () => {
    const one = watched();
    const addresses = [
      '10.0.0.7',
      '2001:db8:1:2::9',
      '10.0.0.7',
      '2001:db8:1:2:aa::1',
      '10.0.0.9',
      '2001:db8:1:2:bb::1',
    ];
    for (const [minute, address] of addresses.entries()) one.does({ ...at(minute), actor: { address } });
    expect(one.told()).toEqual([]);
  });
});
