import { describe, expect, it } from 'vitest';
import { violationsIn } from './csp-reports.ts';

describe('what a browser reports', () => {
  it('is read in both its forms, by directive and kind alone', () => {
    const older = {
      'csp-report': {
        'document-uri': 'https://ward/patients/P1',
        'effective-directive': 'script-src-elem',
        'blocked-uri': 'https://evil.example/steal?of=P1',
        'script-sample': 'Jane Doe',
      },
    };
    const newer = [
      {
        type: 'csp-violation',
        body: { documentURL: 'https://ward/', effectiveDirective: 'script-src', blockedURL: 'inline' },
      },
      { type: 'csp-violation', body: { effectiveDirective: 'P1 Jane', blockedURL: 'javascript:alert(1)' } },
    ];
    expect(violationsIn(JSON.stringify(older))).toEqual([{ directive: 'script-src-elem', blocked: 'https' }]);
    expect(violationsIn(JSON.stringify(newer))).toEqual([
      { directive: 'script-src', blocked: 'inline' },
      { directive: 'unknown', blocked: 'unknown' },
    ]);
  });
  it.each([undefined, '', '{', '[]', '{}', 'null', '[null]', '{"csp-report":1}', '7'])('is not %j', (body) =>
    expect(violationsIn(body)).toBeUndefined(),
  );
  it('is bounded', () => {
    const many = Array.from({ length: 500 }, () => ({ body: { effectiveDirective: 'img-src', blockedURL: 'data' } }));
    expect(violationsIn(JSON.stringify(many))).toHaveLength(20);
  });
});
