import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseJsonPath, reach } from './json-path.ts';
import { lintProfile } from './lint-profile.ts';
import { lintSamples } from './lint-samples.ts';
import { compileProfile, type MappedValue, type MappingProfile } from './mapping-profile.ts';

const HEART_RATE: MappedValue = { vital: 'heartRate', path: '/hr', unit: '/min' };
const PROFILE: MappingProfile = {
  name: 'test',
  description: '',
  id: { path: '/id' },
  at: { path: '/at', form: 'rfc3339' },
  values: [HEART_RATE],
};
const AT = '2026-11-22T01:02:03.456Z';

const withValues = (...values: readonly MappedValue[]): MappingProfile => ({ ...PROFILE, values });
const map = (profile: MappingProfile, message: unknown) => compileProfile(profile)?.(message);
const vitals = (profile: MappingProfile, message: unknown) =>
  (map(profile, message)?.value as { vitals: unknown } | undefined)?.vitals;

describe('a path', () => {
  const message = {
    a: { 'b/c': [10, 20], '~': 1 },
    obs: [
      { code: 147842, value: 82 },
      { code: '150022', value: 80 },
      { code: 1, value: 0 },
      { code: 1, value: 1 },
      null,
      'text',
    ],
  };

  it.each([
    ['/a/b~1c/1', 20],
    ['/a/~0', 1],
    ['/obs/[code=147842]/value', 82],
    ['/obs/[code=150022]/value', 80],
  ])('%s finds %j', (text, value) => {
    expect(reach(message, parseJsonPath(text) ?? [])).toMatchObject({ kind: 'found', value });
  });

  it.each([
    ['/a/x', 'absent'],
    ['/a/b~1c/2', 'absent'],
    ['/a/constructor', 'absent'],
    ['/a/__proto__', 'absent'],
    ['/a/b~1c/length/x', 'absent'],
    ['/obs/[code=9]/value', 'absent'],
    ['/a/[code=9]', 'absent'],
    ['/obs/[code=1]/value', 'ambiguous'],
  ])('%s is %s', (text, kind) => {
    expect(reach(message, parseJsonPath(text) ?? []).kind).toBe(kind);
  });

  it.each(['', 'a', '/', '/a//b', '/a/[b]', '/a/[=1]', '/a/b[c=1]', '/a/~2', '/a]'])('%j is no path', (text) => {
    expect(parseJsonPath(text)).toBeUndefined();
  });
});

describe('mapping', () => {
  it('takes units fixed or from the message, by UCUM or by the vendor’s word', () => {
    const unit = { path: '/u', map: { mmHg: 'mm[Hg]' } };
    const profile = withValues(HEART_RATE, { vital: 'systolic', path: '/s', unit });
    expect(vitals(profile, { hr: 82, s: 120, u: 'mmHg' })).toEqual({
      heartRate: { value: 82, unit: '/min' },
      systolic: { value: 120, unit: 'mm[Hg]' },
    });
    expect(vitals(profile, { s: 16, u: 'kPa' })).toEqual({ systolic: { value: 16, unit: 'kPa' } });
  });

  it.each([-1, '-1', '-99.9', '', null, 'n/a', 127])('takes %j as no measurement', (value) => {
    expect(vitals(withValues({ ...HEART_RATE, noValue: ['n/a', 127] }), { hr: value })).toEqual({ heartRate: null });
  });

  it('takes a value that the device marks invalid as no measurement', () => {
    const profile = withValues({ ...HEART_RATE, validWhen: { path: '/ok', is: [true, 1] } });
    expect(vitals(profile, { hr: 82, ok: 1 })).toEqual({ heartRate: { value: 82, unit: '/min' } });
    for (const ok of [false, 'true', undefined]) expect(vitals(profile, { hr: 82, ok })).toEqual({ heartRate: null });
  });

  it('reads plain decimal text as a number, and leaves other text for the parser to refuse', () => {
    expect(vitals(PROFILE, { hr: '82.5' })).toEqual({ heartRate: { value: 82.5, unit: '/min' } });
    for (const text of ['0x52', '8e1', ' 82', 'Infinity', '82bpm'])
      expect(vitals(PROFILE, { hr: text })).toEqual({ heartRate: { value: text, unit: '/min' } });
  });

  it('does not choose between two elements of one code', () => {
    const profile = withValues({ ...HEART_RATE, path: '/o/[c=1]/v' });
    const mapped = map(profile, { id: '1', at: AT, o: [{ c: 1, v: 80 }, { c: 1, v: 170 }] }); // biome-ignore format: one message
    expect(mapped?.refused).toMatchObject([{ code: 'mapping-failed', field: 'vitals.heartRate' }]);
    expect(mapped?.value).toMatchObject({ vitals: {} });
  });

  it.each([
    ['epoch-s', 1_795_309_323.456, AT],
    ['epoch-s', '1795309323', '2026-11-22T01:02:03.000Z'],
    ['epoch-ms', 1_795_309_323_456, AT],
    ['epoch-ms', 1e300, undefined],
    ['epoch-ms', -1e300, undefined],
    ['epoch-ms', null, undefined],
    ['rfc3339', AT, AT],
  ] as const)('reads %s %j as %j', (form, at, expected) => {
    expect(map({ ...PROFILE, at: { path: '/at', form } }, { at })?.value).toMatchObject({ at: expected });
  });

  it('composes an id, and has none where a part is missing', () => {
    const profile = { ...PROFILE, id: { compose: ['/boot', '/seq'] } };
    expect(map(profile, { boot: 3, seq: '17' })?.value).toMatchObject({ id: '3-17' });
    expect(map(profile, { boot: 3 })?.value).toMatchObject({ id: undefined });
  });

  it('reads flags, consciousness and battery, and takes what it does not know as unknown', () => {
    const profile: MappingProfile = {
      ...PROFILE,
      context: {
        oxygen: { path: '/o2', true: ['mask'], false: ['air'] },
        consciousness: { path: '/avpu', map: { alert: 'A' } },
      },
      status: { leadsOff: { path: '/off', true: [1], false: [0] }, battery: { path: '/bat', full: 100 } },
    };
    expect(map(profile, { o2: 'mask', avpu: 'alert', off: 0, bat: 83 })?.value).toMatchObject({
      context: { oxygen: true, consciousness: 'A' },
      status: { leadsOff: false, battery: 0.83 },
    });
    expect(map(profile, { o2: '?', avpu: '__proto__', off: '0', bat: 900 })?.value).toMatchObject({
      context: { oxygen: null, consciousness: null },
      status: { leadsOff: null, battery: null },
    });
  });

  it('answers something for any message', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (message) => {
        expect(map(PROFILE, message)?.refused).toEqual([]);
      }),
    );
  });
});

describe('the linter', () => {
  const errors = (...values: readonly MappedValue[]) =>
    lintProfile(withValues(...values)).map(({ at, message }) => `${at}: ${message}`);

  it('finds nothing in a profile that is in order', () => {
    expect(errors(HEART_RATE)).toEqual([]);
  });

  it.each([
    [{ path: '/nibp/dia' }, '/values/0/path: speaks of diastolic; mapped as heartRate'],
    [{ path: '/bp/diastolicMmHg' }, '/values/0/path: speaks of diastolic; mapped as heartRate'],
    [{ path: '/DBP' }, '/values/0/path: speaks of diastolic; mapped as heartRate'],
    [{ path: '/obs/[name=NIBP_DIA]/value' }, '/values/0/path: speaks of diastolic; mapped as heartRate'],
    [{ path: '/obs/[code=150022]/value' }, '/values/0/path: 150022 is the code of diastolic'],
    [{ path: '/obs/[loinc=8462-4]/value' }, '/values/0/path: 8462-4 is the code of diastolic'],
    [{ unit: 'mm[Hg]' }, '/values/0/unit: mm[Hg] is no unit of heartRate'],
    [{ unit: 'bpm' }, '/values/0/unit: bpm is no unit of heartRate'],
    [{ unit: { path: '/u', map: { mmHg: 'mm[Hg]' } } }, '/values/0/unit/map/mmHg: mm[Hg] is no unit of heartRate'],
    [{ code: { system: 'loinc', value: '8462-4' } }, '/values/0/code: loinc 8462-4 is the code of diastolic'],
    [{ code: { system: 'mdc', value: '8867-4' } }, '/values/0/code: mdc 8867-4 is no code of a vital'],
    [{ code: { system: 'loinc', value: '1234-5' } }, '/values/0/code: loinc 1234-5 is no code of a vital'],
    [{ path: 'hr' }, '/values/0/path: not a path: hr'],
  ] as const)('a heart rate with %j: %s', (wrong, message) => {
    expect(errors({ ...HEART_RATE, ...wrong })[0]).toContain(message);
  });

  it.each(['/bp/sys/pulse', '/cuff/pr', '/ecg/heartRate', '/p/1', '/obs/[code=149530]/value'])(
    'takes %s for a heart rate',
    (path) => expect(errors({ ...HEART_RATE, path })).toEqual([]),
  );

  it('takes the other codes a vital is known by', () => {
    expect(errors({ ...HEART_RATE, code: { system: 'loinc', value: '8889-8' } })).toEqual([]);
    expect(errors({ vital: 'spo2', path: '/s', unit: '%', code: { system: 'loinc', value: '59408-5' } })).toEqual([]);
  });

  it('finds two paths to one vital, and one path to two', () => {
    expect(errors(HEART_RATE, { ...HEART_RATE, path: '/pulse' })).toEqual([
      '/values/1/vital: heartRate is mapped already by /values/0',
    ]);
    expect(errors({ ...HEART_RATE, path: '/x' }, { vital: 'spo2', path: '/x', unit: '%' })).toEqual([
      '/values/1/path: is mapped already by /values/0',
    ]);
  });
});

describe('the linter, given samples', () => {
  const found = (profile: MappingProfile, ...samples: readonly unknown[]) =>
    lintSamples(profile, samples).map(({ level, at, message }) => `${level} ${at}: ${message}`);
  const listed = (observation: object) => ({ id: '1', at: AT, obs: [{ slot: 'A', value: 80, ...observation }] });
  const LISTED = withValues({ ...HEART_RATE, path: '/obs/[slot=A]/value' });

  it('finds nothing where everything fits', () => {
    expect(found(PROFILE, { id: '1', at: AT, hr: 82 }, { id: '2', at: AT, hr: -1 })).toEqual([]);
    expect(found(LISTED, listed({ code: 147842, name: 'Pulse', uom: 'bpm' }))).toEqual([]);
  });

  it.each([
    [{ code: 150022 }, 'code beside it is the code of diastolic, not heartRate'],
    [{ loinc: '8462-4' }, 'loinc beside it is the code of diastolic, not heartRate'],
    [{ label: 'NIBP Dia' }, 'label beside it speaks of diastolic'],
    [{ uom: 'mmHg' }, 'uom beside it is no unit of heartRate'],
    [{ uom: 'mm[Hg]' }, 'uom beside it is no unit of heartRate'],
  ])('a diastolic taken for a heart rate shows by its neighbour %j', (neighbour, message) => {
    expect(found(LISTED, listed(neighbour))).toEqual([`error /values/0/path: ${message}`]);
  });

  it('names paths that lead nowhere', () => {
    expect(found(PROFILE, { id: '1', time: AT, pulse: 82 })).toContain(
      'error /at/path: leads nowhere in any sample: /at',
    );
    expect(found(PROFILE, { id: '1', at: AT, pulse: 82 })).toContain(
      'warning /values/0/path: leads nowhere in any sample: /hr',
    );
  });

  it('finds a unit that cannot be the one the device uses', () => {
    const celsius = withValues({ vital: 'temperature', path: '/t', unit: 'Cel' });
    expect(found(celsius, { id: '1', at: AT, t: 98.2 })).toEqual([
      'error /values/0: sample 0: vitals.temperature: expected 10 to 47 Cel',
    ]);
  });

  it('finds systolic and diastolic mapped the wrong way round', () => {
    const swapped = withValues(
      { vital: 'systolic', path: '/a', unit: 'mm[Hg]' },
      { vital: 'diastolic', path: '/b', unit: 'mm[Hg]' },
    );
    expect(found(swapped, { id: '1', at: AT, a: 80, b: 120 })).toHaveLength(2);
  });

  it.each([
    ['epoch-s', 1_795_309_323_456],
    ['epoch-ms', 1_795_309_323],
  ] as const)('finds a time that is not in %s', (form, at) => {
    expect(found({ ...PROFILE, at: { path: '/at', form } }, { id: '1', at, hr: 82 })[0]).toContain(
      'error /at: sample 0',
    );
  });

  it('warns where two samples have one id', () => {
    expect(found(PROFILE, { id: '1', at: AT, hr: 82 }, { id: '1', at: AT, hr: 83 })[0]).toContain('warning /id');
  });
});
