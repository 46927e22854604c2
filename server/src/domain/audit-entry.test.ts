import { describe, expect, it } from 'vitest';
import { type AuditEntry, cleanEntry, decodeEntry, encodeEntry, purposeOf, type RecordedEntry } from './audit-entry.ts';

const ENTRY: RecordedEntry = {
  atMs: Date.parse('2026-11-22T01:02:03.456Z'),
  recordedAtMs: Date.parse('2026-11-22T01:02:03.460Z'),
  position: 17,
  salt: '00112233445566778899aabbccddeeff',
  actor: { kind: 'person', name: 'ada', userId: 'u1', address: '10.0.0.7', sessionId: 's1' },
  action: 'patient.read',
  resource: { kind: 'patient', id: 'P1' },
  patientId: 'P1',
  purpose: 'treatment',
  outcome: 'allowed',
  policies: ['own-ward'],
  correlationId: 'c1',
  tenantId: 'default',
  detail: { status: 200, b: true, a: 'x' },
};

const TEXT =
  '{"action":"patient.read","actor":{"address":"10.0.0.7","kind":"person","name":"ada","sessionId":"s1","userId":"u1"},' +
  '"at":"2026-11-22T01:02:03.456Z","correlationId":"c1","detail":{"a":"x","b":true,"status":200},"outcome":"allowed",' +
  '"patientId":"P1","policies":["own-ward"],"position":17,"purpose":"treatment","recordedAt":"2026-11-22T01:02:03.460Z",' +
  '"resource":{"id":"P1","kind":"patient"},"salt":"00112233445566778899aabbccddeeff","tenantId":"default","v":1}';

/** RFC 8785 §3.2.3, written independently: names sorted by code units, at every depth. */
function jcs(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(jcs).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const names = Object.keys(value).sort();
  return `{${names.map((name) => `${JSON.stringify(name)}:${jcs((value as Record<string, unknown>)[name])}`).join(',')}}`;
}

describe('an entry of the audit log', () => {
  it('has one text, byte for byte', () => {
    expect(encodeEntry(ENTRY)).toBe(TEXT);
  });

  it('has the text that RFC 8785 gives it', () => {
    expect(jcs(JSON.parse(TEXT))).toBe(TEXT);
    const { purpose: _, policies: __, detail: ___, patientId: ____, ...less } = ENTRY;
    const text = encodeEntry({ ...less, resource: { kind: 'house' }, actor: { kind: 'system', name: 'retention' } });
    expect(jcs(JSON.parse(text))).toBe(text);
  });

  it('is read back as it was', () => {
    expect(decodeEntry(TEXT)).toEqual(ENTRY);
  });

  it.each([
    ['a blank', TEXT.replace(',"at"', ', "at"')],
    ['another order', TEXT.replace('"a":"x","b":true', '"b":true,"a":"x"')],
    ['a field more', TEXT.replace('"v":1', '"v":1,"w":1')],
    ['another version', TEXT.replace('"v":1', '"v":2')],
    ['another spelling of the time', TEXT.replace('03.456Z', '03.4560Z')],
    ['no actor', TEXT.replace(/"actor":\{[^}]*\},/, '')],
    ['no JSON', 'null'],
    ['half of it', TEXT.slice(0, 99)],
  ])('is none with %s', (_, text) => {
    expect(decodeEntry(text)).toBeUndefined();
  });

  it('holds no line breaks, no half characters and nothing without end', () => {
    const hostile: AuditEntry = {
      ...ENTRY,
      actor: { kind: 'person', name: `a\r\nb\u0000\ud800${'x'.repeat(999)}` },
      detail: {
        Ünfit: 'y',
        9: 'z',
        fit: 'a\u001b[2J',
        ...Object.fromEntries(Array.from({ length: 99 }, (_, i) => [`k${i}`, i])),
      },
    };
    const clean = cleanEntry(hostile);
    expect(clean.actor.name).toBe(`a\ufffd\ufffdb\ufffd\ufffd${'x'.repeat(250)}`);
    expect(clean.detail).toMatchObject({ fit: 'a\ufffd[2J' });
    expect(Object.keys(clean.detail ?? {})).toHaveLength(32);
    expect(clean.detail).not.toHaveProperty('Ünfit');
    expect(clean.detail).not.toHaveProperty('9');
  });
});

describe('what something was for', () => {
  const { purpose: _, patientId: __, ...plain } = ENTRY;
  const of = (more: Partial<AuditEntry>) => purposeOf({ ...plain, ...more });
  const system = { kind: 'system', name: 'teller' } as const;

  it('is what was said', () => {
    expect(of({ action: 'vitals.read', purpose: 'research' })).toBe('research');
  });
  it('is treatment where a patient is read or told of, and the running of the house otherwise', () => {
    expect(of({ action: 'vitals.read' })).toBe('treatment');
    expect(of({ action: 'message.send', actor: system, patientId: 'p1' })).toBe('treatment');
    expect(of({ action: 'message.send', actor: system })).toBe('operations');
    expect(of({ action: 'command.patient.erase', patientId: 'p1' })).toBe('operations');
    expect(of({ action: 'constructor' })).toBe('operations');
  });
  it('of a stranger nobody knows', () => {
    expect(of({ action: 'patient.read', actor: { kind: 'person', name: '?' } })).toBeUndefined();
  });
});
