import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { foldText } from './leak-fold.ts';
import { needleTable } from './leak-matcher.ts';
import { canaryIdentity } from './leak-names.ts';
import { needlesOf } from './leak-needles.ts';
import { createLeakViews, type SeenLeak } from './leak-views.ts';

const CANARY = { patientId: 'C1', familyName: 'Kvaistouzyrt', givenName: 'Plemodaith', mrn: 'QX123456789B' };
const ANNA = { patientId: 'P1', familyName: 'Žižková', givenName: 'Anna', mrn: 'AB-4711-0815' };
const ALL = needlesOf([ANNA, { patientId: 'P2', familyName: 'Li', givenName: 'An', mrn: '20261122' }], [CANARY]);
const TABLE = needleTable(ALL);

/** What is found in these bytes, handed over in pieces of that many. */
function found(bytes: Uint8Array, pieces = bytes.length): readonly SeenLeak[] {
  const leaks: SeenLeak[] = [];
  const views = createLeakViews(TABLE, (leak) => leaks.push(leak));
  for (let from = 0; from < bytes.length; from += Math.max(1, pieces))
    views.push(bytes.subarray(from, from + Math.max(1, pieces)));
  views.end();
  return leaks;
}
const inText = (text: string, pieces?: number) =>
  found(Buffer.from(text), pieces).map(({ what, encoding }) => `${what} ${encoding}`);

const WAYS: readonly (readonly [name: string, encoding: string, make: (text: string) => Buffer])[] = [
  ['as it is', 'plain', (text) => Buffer.from(`{"level":"info","msg":"seen ${text}"}`)],
  [
    'in capitals and hyphenated',
    'plain',
    (text) => Buffer.from(`x ${text.toUpperCase().replace(/(.{5})/, '$1-\n')} y`),
  ],
  ['glued to other letters', 'plain', (text) => Buffer.from(`Ay${text}Bz`)],
  ['as base64', 'base64', (text) => Buffer.from(`token=${Buffer.from(`name: ${text};`).toString('base64')}`)],
  [
    'as base64 that begins one byte later',
    'base64',
    (text) => Buffer.from(`"${Buffer.from(`x${text}, ICU`).toString('base64')}"`),
  ],
  [
    'as base64 after another word',
    'base64',
    (text) => Buffer.from(`abc${Buffer.from(`say ${text} again`).toString('base64')}`),
  ],
  ['as base64url', 'base64', (text) => Buffer.from(`/x/${Buffer.from(`>>?${text}??~`).toString('base64url')}?q`)],
  [
    'as base64 in lines, as in mail',
    'base64',
    (text) =>
      Buffer.from(
        (
          Buffer.from(`${'filler '.repeat(9)}${text} more`)
            .toString('base64')
            .match(/.{1,20}/g) ?? []
        ).join('\r\n'),
      ),
  ],
  [
    'percent-encoded, every letter',
    'escaped',
    (text) => Buffer.from(`/p?q=${[...Buffer.from(text)].map((byte) => `%${byte.toString(16)}`).join('')}`),
  ],
  [
    'quoted-printable, with a soft line end',
    'escaped',
    (text) => Buffer.from(`${text.slice(0, 3)}=\r\n=${text.charCodeAt(3).toString(16)}${text.slice(4)} x`),
  ],
  [
    'as JSON escapes',
    'escaped',
    (text) =>
      Buffer.from(
        `"${[...text].map((letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`).join('')}"`,
      ),
  ],
  ['in hexadecimal', 'hexadecimal', (text) => Buffer.from(`\\x${Buffer.from(`0${text}0`).toString('hex')}`)],
  ['in UTF-16, little end first', 'plain', (text) => Buffer.from(`a ${text} b`, 'utf16le')],
  [
    'in UTF-16, shifted by a byte',
    'plain',
    (text) => Buffer.concat([Buffer.from('a'), Buffer.from(` ${text} b`, 'utf16le')]),
  ],
  ['in UTF-16, big end first', 'plain', (text) => Buffer.from(`a ${text} b`, 'utf16le').swap16()],
];

describe('a made-up name', () => {
  for (const [name, encoding, make] of WAYS)
    it(`is found ${name}, wherever the bytes are cut`, () => {
      for (const text of [CANARY.familyName, CANARY.givenName, CANARY.mrn]) {
        const bytes = make(text);
        for (const pieces of [bytes.length, 1, 2, 3, 7, 64])
          expect(
            found(bytes, pieces).map((leak) => leak.encoding),
            `${text} in pieces of ${pieces}`,
          ).toContain(encoding);
      }
    });

  it('is found between bytes that are no text, and where they come from is told', () => {
    const noise = Buffer.from(Array.from({ length: 5_000 }, (_, i) => (i * 7919 + (i >> 3)) & 0xff));
    const [leak] = found(Buffer.concat([noise, Buffer.from([0x1b]), Buffer.from(CANARY.familyName), noise]), 1_000);
    expect(leak).toMatchObject({ what: 'canary', encoding: 'plain' });
    expect(leak?.offset).toBeGreaterThanOrEqual(5_000);
    expect(leak?.offset).toBeLessThanOrEqual(6_100);
    expect(leak).not.toHaveProperty('patientId');
  });

  it('is told once, on however many lines it stands', () => {
    expect(inText(`${CANARY.familyName}\n`.repeat(1_000))).toEqual(['canary plain']);
  });

  it('is found across pieces of which only one is escaped', () => {
    const head = `${'.'.repeat(20_000)}Kvais`;
    const bytes = Buffer.from(`${head}%74ouzyrt${'.'.repeat(20_000)}`);
    expect(found(bytes, head.length).map(({ encoding }) => encoding)).toEqual(['escaped']);
  });

  it('is like no other, and a name', () => {
    let state = 1;
    const random = () => {
      state = (state * 48_271) % 2_147_483_647;
      return state / 2_147_483_647;
    };
    const names = Array.from({ length: 1_000 }, () => canaryIdentity(random));
    expect(new Set(names.map(({ familyName }) => familyName)).size).toBe(1_000);
    for (const { familyName, givenName, mrn, birthDate } of names) {
      expect(familyName).toMatch(/^[A-Z][a-z]{9,30}$/);
      expect(givenName).toMatch(/^[A-Z][a-z]{7,30}$/);
      expect(foldText(mrn).length).toBe(12);
      expect(new Date(birthDate).toISOString().slice(0, 10)).toBe(birthDate);
    }
  });
});

describe('a patient’s name', () => {
  it('is found in either order, without marks, and as fields of a record', () => {
    for (const text of [
      'patient Anna Žižková came',
      'ZIZKOVA, ANNA',
      'anna.zizkova@example.org',
      '{"familyName":"Žižková","givenName":"Anna"}',
      '<given value="Anna"/><family value="Žižková"/>',
      'Anna\n   Žižková',
    ])
      expect(inText(text), text).toEqual(['name plain']);
    expect(found(Buffer.from('Anna Žižková', 'latin1'))).toEqual([]);
    expect(found(Buffer.from('Anna Žižková', 'utf16le')).map(({ encoding }) => encoding)).toEqual(['utf-16le']);
    expect(found(Buffer.from('Anna Žižková'))[0]).toMatchObject({ what: 'name', patientId: 'P1' });
  });

  it('is not found in other people’s names, nor are its parts alone', () => {
    for (const text of ['Johanna Žižková', 'Anna Žižkovánková', 'Anna', 'Žižková', 'Anna of ward 3, bed 12: Žižková'])
      expect(inText(text), text).toEqual([]);
  });

  it('is not looked for where it is too short to be one: the scan says how many are so', () => {
    expect(inText('An Li 20261122')).toEqual([]);
    expect(ALL.tooCommon).toBe(1);
  });
});

describe('a record number', () => {
  it('is found however it is punctuated, and only by itself', () => {
    expect(inText('MRN AB-4711-0815.')).toEqual(['record-number plain']);
    expect(inText('mrn=ab47110815&')).toEqual(['record-number plain']);
    expect(inText('xAB47110815')).toEqual([]);
    expect(inText('AB471108151')).toEqual([]);
  });
});

describe('what is nobody’s name', () => {
  it('is found nowhere in a megabyte of plausible log lines, base64 and compressed bytes', () => {
    const lines = Array.from({ length: 6_000 }, (_, i) =>
      JSON.stringify({
        level: 'info',
        time: 1_700_000_000_000 + i * 997,
        msg: 'reading kept',
        deviceId: `D-${i}`,
        bytes: (i * 31) % 999,
        token: Buffer.from(String(i * 7_919)).toString('base64'),
      }),
    ).join('\n');
    expect(found(Buffer.from(lines), 65_536)).toEqual([]);
    expect(found(gzipSync(lines), 65_536)).toEqual([]);
  });
});
