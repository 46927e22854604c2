import { describe, expect, it } from 'vitest';
import { readRuleFile } from './rule-file.ts';

describe('a file of rules', () => {
  it.each(['a\0b', 'a\u001b[31mb', 'a\ud800b'])('that holds %j is refused by field', (note) => {
    const rule = { kind: 'limit', id: 'heartRate.above.low', vital: 'heartRate', comparison: 'above', limit: 120 };
    const sets = [{ scope: 'house', rules: [{ ...rule, priority: 'low', note }] }];
    const read = readRuleFile(JSON.stringify({ format: 'healthsync-rules/1', sets }));
    expect(read.kind === 'invalid' && read.errors.map(({ field }) => field)).toEqual(['sets.0.rules.0.note']);
  });
});
